#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/library/cxx_header_parts.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kCxxOpening[] =
    R"(/* C++17 for $NAME.h, which documents the operators; nothing else is needed.
 *
 * Functions have the names they have in C, without the prefix, and check the number of elements of
 * every tensor against the sizes. What they answer must be looked at, in either way:
 *
 *   if ($NAME::Status s = $NAME::gemm(m, n, k, a, b, c); !s.ok()) log(s.message());
 *   $NAME::gemm(m, n, k, a, b, c).or_throw();
 *
 * A weight that is constant is packed once: PackedGemm and its like. All is thread-safe as in C;
 * a packed operand may be used by several threads once it is packed.
 */
#ifndef $PREFIX_HPP
#define $PREFIX_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "$NAME.h"

namespace $NAME {

enum class Activation {
$ACTIVATIONS
};

// Where Status::or_throw sends what went wrong.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const noexcept { return code_; }  // of enum $NAME_status

 private:
  int code_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // all is well
  Status(int code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == $PREFIX_OK; }
  int code() const noexcept { return code_; }  // of enum $NAME_status
  // One line that names what is wrong; empty where nothing is.
  const std::string& message() const noexcept { return message_; }
#if defined(__cpp_exceptions)
  void or_throw() const {
    if (!ok()) throw Error(code_, message_);
  }
#endif

 private:
  int code_ = $PREFIX_OK;
  std::string message_;
};

// Elements that are another's: a pointer and a size, a vector, an array, a std::span.
template <class T>
class Span {
 public:
  constexpr Span() noexcept = default;  // none: a bias or a residual that is left out
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class C, class = std::enable_if_t<
                         !std::is_same_v<std::decay_t<C>, Span> &&
                         std::is_convertible_v<decltype(std::data(std::declval<C&>())), T*>>>
  constexpr Span(C&& elements) : data_(std::data(elements)), size_(std::size(elements)) {}

  constexpr T* data() const noexcept { return size_ == 0 ? nullptr : data_; }
  constexpr std::size_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// What follows a product in the same pass: activation(y + bias + residual).
struct Epilogue {
  Activation activation = Activation::kNone;
  bool bias = false, residual = false;  // whether there will be one

  constexpr bool none() const noexcept {
    return activation == Activation::kNone && !bias && !residual;
  }
};

namespace detail {

inline Status refuse(const char* function, const std::string& what) {
  return Status($PREFIX_BAD_ARGUMENT, std::string(function) + ": " + what);
}

inline Status status_of(const char* function, int code) {
  if (code == $PREFIX_OK) return Status();
  return Status(code, std::string(function) + ": " + $NAME_error_text(code));
}

inline Status check_range(const char* function, const char* name, int64_t value, int64_t least,
                          int64_t most) {
  if (value >= least && value <= most) return Status();
  return refuse(function, std::string(name) + " is " + std::to_string(value) + "; give " +
                              std::to_string(least) + " to " + std::to_string(most));
}

// Those of a tensor with these extents, each at least 1.
inline Status count(const char* function, const char* tensor,
                    std::initializer_list<int64_t> extents, int64_t& elements) {
  elements = 1;
  for (const int64_t extent : extents) {
    if (extent > $PREFIX_MAX_ELEMENTS / elements) {
      return refuse(function, std::string(tensor) + " has too many elements; give sizes for " +
                                  std::to_string($PREFIX_MAX_ELEMENTS) + " at most");
    }
    elements *= extent;
  }
  return Status();
}

inline Status check_size(const char* function, const char* tensor, std::size_t given,
                         int64_t wanted) {
  if (given == static_cast<std::size_t>(wanted)) return Status();
  return refuse(function, std::string(tensor) + " has " + std::to_string(given) +
                              " elements; these sizes take " + std::to_string(wanted));
}

inline Status check_optional(const char* function, const char* tensor, std::size_t given,
                             int64_t wanted) {
  return given == 0 ? Status() : check_size(function, tensor, given, wanted);
}

struct FreeFloats {
  void operator()(float* floats) const noexcept {
    ::operator delete(floats, std::align_val_t(64));
  }
};
using Floats = std::unique_ptr<float, FreeFloats>;

inline Floats allocate(int64_t floats) {
  const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
  return Floats(static_cast<float*>(::operator new(bytes, std::align_val_t(64), std::nothrow)));
}

}  // namespace detail
)";

constexpr char kCxxOperator[] = R"(
namespace detail {

struct $OP_counts {
  int64_t $COUNTS;
};

inline Status count_$OP($SIZE_PARAMETERS, $OP_counts& counts) {
$CHECKS  return Status();
}

}  // namespace detail

inline Status $OP($PARAMETERS) {
  detail::$OP_counts counts;
  if (Status s = detail::count_$OP($SIZES, counts); !s.ok()) return s;
$SPANS  return detail::status_of("$OP", $FUNCTION($SIZES, $DATA));
}
)";

// Of the sizes of an operator: what is wrong with them, and how many elements the tensors have.
std::string SizeChecks(const PlannedOperator& planned) {
  const std::string op = planned.op->name();
  const auto range = [&](const std::string& name, const std::string& least,
                         const std::string& most) {
    return fmt::format(
        "  if (Status s = check_range(\"{0}\", \"{1}\", {1}, {2}, {3}); !s.ok()) return s;\n", op,
        name, least, most);
  };
  std::string text;
  for (const std::string& name : planned.op->dim_names()) {
    text += range(name, "1", "$PREFIX_MAX_ELEMENTS");
  }
  for (const AttributeSpec& a : LibraryPlan::CallAttributes(*planned.op)) {
    text += range(a.name, std::to_string(a.min), std::to_string(a.max));
  }
  for (const RuleContract& rule : planned.contract->rules) {
    text += fmt::format("  if (!({})) return refuse(\"{}\", \"the rule is broken: {}\");\n",
                        rule.condition, op, rule.text);
  }
  for (const auto& [name, expression] : planned.contract->derived) {
    text += fmt::format("  const int64_t {} = {};\n", name, expression);
  }
  for (const TensorContract& tensor : planned.contract->tensors) {
    text += fmt::format(
        "  if (Status s = count(\"{0}\", \"{1}\", {{{2}}}, counts.{1}); !s.ok()) return s;\n", op,
        tensor.name, absl::StrJoin(tensor.extents, ", "));
  }
  return text;
}

std::string OperatorText(const LibraryPlan& plan, const PlannedOperator& planned) {
  const std::string op = planned.op->name();
  const Tensors tensors = TensorsOf(planned, "\"" + op + "\"", false);
  std::vector<std::string> counts;
  for (const TensorContract& tensor : planned.contract->tensors) counts.push_back(tensor.name);
  std::string text = kCxxOperator;
  if (LibraryPlan::HasEpilogue(*planned.op)) text += CxxPackedText(planned);
  return absl::StrReplaceAll(
      text,
      {{"$OP", op},
       {"$FUNCTION", "::" + plan.spec->name + "_" + op},
       {"$COUNTS", absl::StrJoin(counts, ", ")},
       {"$SIZE_PARAMETERS", SizeParameters(planned)},
       {"$SIZES", absl::StrJoin(LibraryPlan::SizeNames(*planned.op), ", ")},
       {"$CHECKS", SizeChecks(planned)},
       {"$PARAMETERS", SizeParameters(planned) + ", " + absl::StrJoin(tensors.parameters, ", ")},
       {"$SPANS", tensors.checks},
       {"$DATA", absl::StrJoin(tensors.data, ", ")}});
}

// Breaks what names and sizes made longer than a line, behind a comma of the code.
std::string Wrapped(const std::string& text) {
  constexpr size_t kColumns = 100;
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (size_t i = 0; i < lines.size(); i++) {
    if (lines[i].size() <= kColumns) continue;
    bool inside_text = false;
    size_t at = 0;
    for (size_t c = 0; c < kColumns; c++) {
      inside_text ^= lines[i][c] == '"';
      if (!inside_text && lines[i][c] == ',' && lines[i][c + 1] == ' ') at = c + 1;
    }
    const size_t indent = lines[i].find_first_not_of(' ');
    if (at == 0) continue;
    const std::string rest = std::string(indent + 4, ' ') + lines[i].substr(at + 1);
    if (rest.size() >= lines[i].size()) continue;
    lines[i].resize(at);
    lines.insert(lines.begin() + static_cast<int64_t>(i) + 1, rest);
  }
  return absl::StrJoin(lines, "\n");
}

std::string Activations() {
  std::vector<std::string> lines;
  for (const AttributeSpec& a : EpilogueAttributes()) {
    for (const std::string& label : a.labels) {
      lines.push_back(fmt::format("  k{} = $PREFIX_ACTIVATION_{}", CamelCase(label),
                                  absl::AsciiStrToUpper(label)));
    }
  }
  return absl::StrJoin(lines, ",\n");
}

}  // namespace

std::string CamelCase(const std::string& name) {
  std::vector<std::string> words = absl::StrSplit(name, '_');
  for (std::string& word : words)
    word[0] = absl::ascii_toupper(static_cast<unsigned char>(word[0]));
  return absl::StrJoin(words, "");
}

std::string CxxHeaderText(const LibraryPlan& plan) {
  std::string text = absl::StrReplaceAll(kCxxOpening, {{"$ACTIVATIONS", Activations()}});
  for (const PlannedOperator& planned : plan.operators) text += OperatorText(plan, planned);
  text += "\n}  // namespace $NAME\n\n#endif  // $PREFIX_HPP\n";
  return Wrapped(absl::StrReplaceAll(text, HeaderMarks(plan)));
}

}  // namespace halyard
