#include "schedules/onnx/tensors.h"

#include <cstring>

namespace halyard {
namespace {

using onnx::TensorProto;

// ONNX keeps raw data little endian, as every machine that tunes is.
template <typename T>
std::vector<double> FromRaw(const std::string& raw) {
  std::vector<double> values(raw.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); i++) {
    T value;
    std::memcpy(&value, raw.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<double>(value);
  }
  return values;
}

template <typename Field>
std::vector<double> FromField(const Field& field) {
  return {field.begin(), field.end()};
}

std::vector<double> AllValues(const TensorProto& t) {
  const bool raw = t.has_raw_data();
  switch (t.data_type()) {
    case TensorProto::FLOAT:
      return raw ? FromRaw<float>(t.raw_data()) : FromField(t.float_data());
    case TensorProto::DOUBLE:
      return raw ? FromRaw<double>(t.raw_data()) : FromField(t.double_data());
    case TensorProto::INT64:
      return raw ? FromRaw<int64_t>(t.raw_data()) : FromField(t.int64_data());
    case TensorProto::INT32:
      return raw ? FromRaw<int32_t>(t.raw_data()) : FromField(t.int32_data());
    case TensorProto::BOOL:
      return raw ? FromRaw<uint8_t>(t.raw_data()) : FromField(t.int32_data());
    default:
      return {};
  }
}

}  // namespace

std::optional<int64_t> ElementsOf(const TensorProto& tensor) {
  int64_t elements = 1;
  for (const int64_t d : tensor.dims()) {
    if (d < 0 || __builtin_mul_overflow(elements, d, &elements)) return std::nullopt;
  }
  return elements < int64_t{1} << 62 ? std::optional(elements) : std::nullopt;
}

int64_t ElementBytes(int32_t data_type) {
  switch (data_type) {
    case TensorProto::INT8:
    case TensorProto::UINT8:
    case TensorProto::BOOL:
      return 1;
    case TensorProto::INT16:
    case TensorProto::UINT16:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return 2;
    case TensorProto::FLOAT:
    case TensorProto::INT32:
    case TensorProto::UINT32:
      return 4;
    case TensorProto::DOUBLE:
    case TensorProto::INT64:
    case TensorProto::UINT64:
    case TensorProto::COMPLEX64:
      return 8;
    case TensorProto::COMPLEX128:
      return 16;
    default:
      return 0;
  }
}

std::optional<std::vector<double>> ValuesOf(const TensorProto& tensor) {
  const auto elements = ElementsOf(tensor);
  if (!elements || IsExternal(tensor)) return std::nullopt;
  std::vector<double> values = AllValues(tensor);
  if (static_cast<int64_t>(values.size()) != *elements) return std::nullopt;
  return values;
}

}  // namespace halyard
