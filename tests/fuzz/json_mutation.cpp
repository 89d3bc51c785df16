#include "tests/fuzz/json_mutation.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace halyard {
namespace {

using nlohmann::json;

// Every value in the document, itself first.
void Collect(json& value, std::vector<json*>* all) {
  all->push_back(&value);
  if (!value.is_structured()) return;
  for (json& part : value) Collect(part, all);
}

// Where numbers, texts and nesting go wrong.
json Odd(std::mt19937& random) {
  static const std::vector<json> kOdd = {nullptr,
                                         true,
                                         false,
                                         0,
                                         -1,
                                         1,
                                         2,
                                         3,
                                         64,
                                         100'000,
                                         2147483647,
                                         2147483648,
                                         -2147483649LL,
                                         INT64_MAX,
                                         INT64_MIN,
                                         UINT64_MAX,
                                         1e300,
                                         -1e300,
                                         0.5,
                                         -0.0,
                                         1e-320,
                                         "",
                                         "x",
                                         "kernel",
                                         "../../x",
                                         "a\nb",
                                         std::string(300, 'n'),
                                         json::array(),
                                         json::object(),
                                         json::array({1, 2, 3}),
                                         json::array({json::array({nullptr})}),
                                         4294967297LL};
  return kOdd[random() % kOdd.size()];
}

void MutateText(std::string* text, std::mt19937& random) {
  if (text->empty() || random() % 4 == 0) {
    text->append(1, static_cast<char>(' ' + random() % 95));
  } else if (random() % 2 == 0) {
    text->erase(random() % text->size(), 1 + random() % 3);
  } else {
    (*text)[random() % text->size()] = static_cast<char>(' ' + random() % 95);
  }
}

void MutateOnce(json& root, std::mt19937& random) {
  std::vector<json*> all;
  Collect(root, &all);
  json& at = *all[random() % all.size()];
  switch (random() % 6) {
    case 0:
      at = Odd(random);
      return;
    case 1:
      at = json(*all[random() % all.size()]);  // a copy: `at` may be above it
      return;
    case 2:
      if (at.is_array() && !at.empty()) {
        at.erase(random() % at.size());
      } else if (at.is_object() && !at.empty()) {
        at.erase(std::next(at.begin(), static_cast<int64_t>(random() % at.size())).key());
      } else {
        at = Odd(random);
      }
      return;
    case 3:
      if (at.is_array() && !at.empty() && at.size() < 200) {
        at.push_back(json(at[random() % at.size()]));
      } else if (at.is_object()) {
        at[random() % 2 == 0 ? "x" : "inherits"] = Odd(random);
      }
      return;
    case 4:
      if (at.is_string()) {
        auto text = at.get<std::string>();
        MutateText(&text, random);
        at = text;
      }
      return;
    default:
      if (at.is_number_integer()) {
        // As unsigned: the sum may wrap.
        at = static_cast<int64_t>(at.get<uint64_t>() + random() % 5 - 2);
      } else if (at.is_number()) {
        at = at.get<double>() * (random() % 2 == 0 ? -1 : 1e10);
      }
      return;
  }
}

}  // namespace

size_t MutateJson(uint8_t* data, size_t size, size_t most, unsigned seed) {
  std::mt19937 random(seed);
  json root = json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  // Bytes too: parsers must stand what is no JSON at all.
  if (root.is_discarded() || random() % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  for (unsigned i = 0; i < 1 + random() % 3; ++i) MutateOnce(root, random);
  const std::string text = root.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > most) return size;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace halyard
