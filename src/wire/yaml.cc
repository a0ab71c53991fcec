#include "wire/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "wire/detail/json_tree.h"
#include "wire/detail/scalar.h"
#include "wire/detail/source_text.h"
#include "wire/detail/tree_builder.h"

namespace mien::wire {
namespace {

using detail::Place;
using detail::Problem;
using detail::SourceDocument;
using detail::SourceText;
using detail::TreeBuilder;

struct Stop {};  // leaves yaml-cpp's parser once a document has a problem; never leaves this file

Place place_of(const YAML::Mark& mark, std::size_t length = 1) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1, length};
}

// Turns yaml-cpp's events of one document into a tree.
class Handler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    start_ = mark.pos;
    place_ = place_of(mark);
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wants_key()) stop(builder_.fail(place_of(mark), "a key is empty"));
    value({}, place_of(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(builder_.fail(place_of(mark), "an alias inside of what it stands for"));
    if (!builder_.wants_key()) return stop(builder_.copy(found->second, place_of(mark)));
    const std::string* text = found->second.text();
    stop(text ? builder_.key(*text, place_of(mark)) : builder_.fail(place_of(mark), "a key is a plain text"));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    within_limits(mark, text.size());
    bool quoted = tag == "!";
    Place place = place_of(mark, text.size() + (quoted ? 2 : 0));
    check_tag(mark, tag);
    if (builder_.wants_key()) {
      if (anchor) anchors_[anchor] = model::Value(text);
      return stop(builder_.key(text, place));
    }
    bool is_text = quoted || tag == "tag:yaml.org,2002:str";
    value(is_text ? model::Value(text) : detail::resolve_scalar(text), place, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor);
    stop(builder_.start_list(place_of(mark, 0)));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor);
    stop(builder_.start_map(place_of(mark, 0)));
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] const std::optional<Problem>& problem() const { return builder_.problem(); }
  [[nodiscard]] SourceDocument take() {
    SourceDocument document = builder_.take();
    document.start = place_;
    return document;
  }

 private:
  static void stop(bool go_on) {
    if (!go_on) throw Stop{};
  }
  void within_limits(const YAML::Mark& mark, std::size_t more) {
    if (static_cast<std::size_t>(mark.pos - start_) + more > limits::document_bytes)
      stop(builder_.fail(place_of(mark), cat("the document is longer than ", limits::document_bytes, " bytes"),
                         "split it into several"));
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.starts_with("tag:yaml.org,2002:")) return;
    stop(builder_.fail(place_of(mark, tag.size()), cat("tags such as `", tag, "` mean nothing here"), "take it out"));
  }
  void value(model::Value what, Place place, YAML::anchor_t anchor) {
    stop(builder_.scalar(std::move(what), place));
    if (anchor) anchors_[anchor] = builder_.last();
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    within_limits(mark, 0);
    check_tag(mark, tag);
    if (builder_.wants_key()) stop(builder_.fail(place_of(mark), "a key is a plain text", "put it in quotes"));
    open_anchors_.push_back(anchor);
  }
  void close() {
    stop(builder_.end());
    if (open_anchors_.back()) anchors_[open_anchors_.back()] = builder_.last();
    open_anchors_.pop_back();
  }

  TreeBuilder builder_;
  std::map<YAML::anchor_t, model::Value> anchors_;
  std::vector<YAML::anchor_t> open_anchors_;
  int start_ = 0;
  Place place_;
};

struct Documents {
  std::vector<SourceDocument> read;
  std::optional<Problem> problem;  // what ended the reading
};

// yaml-cpp's own words, without its "yaml-cpp: error at line ..." and more to the point where we know better.
Problem syntax_problem(const YAML::Exception& error) {
  std::string message = error.msg;
  std::string suggestion;
  if (message == "illegal map value")
    suggestion = "put the text in quotes if it has `: ` in it, and look at the indentation";
  if (message == "end of map not found" || message == "illegal EOF in scalar" || message == "end of sequence not found")
    suggestion = "look at the indentation, and for a bracket or quote that is not closed";
  if (message == "the referenced anchor is not defined") suggestion = "put the text in quotes if the `*` belongs to it";
  return {place_of(error.mark), "this is not YAML: " + message, std::move(suggestion)};
}

Documents read_documents(std::string_view text) {
  Documents out;
  // Declared outside, so that the tree made so far is there when the parser throws.
  std::optional<Handler> handler;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    for (;;) {
      handler.emplace();
      if (!parser.HandleNextDocument(*handler)) return out;
      if (out.read.size() >= limits::documents) {
        out.problem = Problem{handler->take().start, cat("more than ", limits::documents, " documents in one file"),
                              "split the file"};
        return out;
      }
      out.read.push_back(handler->take());
    }
  } catch (const Stop&) {
    out.problem = handler->problem();
  } catch (const YAML::Exception& error) {
    out.problem = syntax_problem(error);
  } catch (const std::exception& error) {
    out.problem = Problem{{}, cat("this is not YAML: ", error.what()), {}};
  }
  return out;
}

model::Diagnostic to_model(const Problem& problem) {
  return {.gravity = model::Gravity::error,
          .pointer = {},
          .message = problem.message,
          .suggestion = problem.suggestion,
          .about_key = false};
}

// Where the value or key at `pointer` stands; of something that is not there, the nearest that it should be in.
Place find_place(const SourceDocument& document, const model::Diagnostic& what) {
  if (what.about_key)
    if (auto key = document.keys.find(what.pointer); key != document.keys.end()) return key->second;
  std::string pointer = what.pointer;
  for (;;) {
    if (auto value = document.values.find(pointer); value != document.values.end()) {
      // A map or list that lacks something is shown by its key, where there is one.
      auto key = document.keys.find(pointer);
      bool is_inside = pointer != what.pointer || value->second.length == 0;
      return is_inside && key != document.keys.end() ? key->second : value->second;
    }
    std::size_t slash = pointer.rfind('/');
    if (slash == std::string::npos) return document.start;
    pointer.resize(slash);
  }
}

std::string identity(const model::Value& document) {
  const model::Value* kind = document.find("kind");
  const model::Value* metadata = document.find("metadata");
  const model::Value* name = metadata ? metadata->find("name") : nullptr;
  if (!kind || !kind->text() || !name || !name->text()) return {};
  return cat(*kind->text(), '/', *name->text());
}

// What can be said of the text before it is parsed.
std::optional<model::Diagnostic> refuse_text(std::string_view text, std::size_t most) {
  model::Diagnostic out;
  if (text.size() > most) out.message = cat("the text is ", text.size(), " bytes long; at most ", most, " are taken");
  else if (text.find('\0') != std::string_view::npos) out.message = "the text has a zero byte: it is not YAML in UTF-8";
  else if (!is_utf8(text)) out.message = "the text is not UTF-8";
  else return std::nullopt;
  return out;
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

// JSON is nearly YAML, and what YAML refuses of it (surrogate pairs, tabs) is read as what it is.
void read_json_instead(Documents& documents, std::string_view text) {
  if (!documents.problem || !trim(text).starts_with('{')) return;
  auto tree = detail::read_json(text);
  if (!tree) return;
  SourceDocument document;
  document.value = std::move(tree).value();
  documents.read.clear();
  documents.read.push_back(std::move(document));
  documents.problem.reset();
}

class Reader {
 public:
  explicit Reader(const SourceText& source, std::string_view file) : source_(source), file_(file) {}

  void take(const SourceDocument& document) {
    std::string name = identity(document.value);
    model::ReadResource read = model::read_resource(document.value);
    std::vector<Diagnostic> found;
    for (const Problem& each : document.duplicates) found.push_back(source_.at(each.place, to_model(each)));
    for (const model::Diagnostic& each : read.diagnostics)
      found.push_back(source_.at(find_place(document, each), each));
    std::stable_sort(found.begin(), found.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    for (Diagnostic& each : found) add(std::move(each), name);
    if (!read.resource || !document.duplicates.empty()) return;
    auto [first, fresh] = seen_.emplace(name, document.start.line);
    if (!fresh) {
      model::Diagnostic twice{.gravity = model::Gravity::error,
                              .pointer = "/metadata/name",
                              .message = cat(name, " stands in this file twice"),
                              .suggestion = cat("the first starts in line ", first->second, "; take one out"),
                              .about_key = false};
      return add(source_.at(find_place(document, twice), twice), name);
    }
    out_.resources.push_back({.resource = std::move(*read.resource), .file = file_, .line = document.start.line});
  }
  void add(Diagnostic diagnostic, std::string resource = {}) {
    diagnostic.resource = std::move(resource);
    out_.diagnostics.push_back(std::move(diagnostic));
  }
  [[nodiscard]] ParsedResources finish() { return std::move(out_); }

 private:
  const SourceText& source_;
  std::string file_;
  std::map<std::string, std::size_t> seen_;
  ParsedResources out_;
};

Diagnostic without_place(model::Diagnostic what, std::string_view file) {
  Diagnostic out;
  out.what = std::move(what);
  out.file = file;
  return out;
}

}  // namespace

ParsedResources parse_resources(std::string_view text, std::string_view file_name) {
  ParsedResources refused;
  if (auto wrong = refuse_text(text, limits::file_bytes)) {
    refused.diagnostics.push_back(without_place(std::move(*wrong), file_name));
    return refused;
  }
  text = without_byte_order_mark(text);
  SourceText source(text, file_name);
  Reader reader(source, file_name);
  Documents documents = read_documents(text);
  read_json_instead(documents, text);
  for (const SourceDocument& each : documents.read)
    if (!each.value.is_null()) reader.take(each);  // `---` at the end of a file starts nothing
  if (documents.problem) reader.add(source.at(documents.problem->place, to_model(*documents.problem)));
  return reader.finish();
}

ParsedResources parse_resource_json(std::string_view body) {
  ParsedResources out;
  auto tree = detail::read_json(body);
  if (!tree) {
    model::Diagnostic wrong;
    wrong.message = tree.error().message;
    out.diagnostics.push_back(without_place(std::move(wrong), ""));
    return out;
  }
  model::ReadResource read = model::read_resource(*tree);
  for (model::Diagnostic& each : read.diagnostics) {
    out.diagnostics.push_back(without_place(std::move(each), ""));
    out.diagnostics.back().resource = identity(*tree);
  }
  if (read.resource) out.resources.push_back({.resource = std::move(*read.resource), .file = {}, .line = 0});
  return out;
}

Result<model::Value> parse_yaml(std::string_view text, std::string_view file_name) {
  if (auto wrong = refuse_text(text, limits::document_bytes))
    return to_error({without_place(std::move(*wrong), file_name)});
  text = without_byte_order_mark(text);
  SourceText source(text, file_name);
  Documents documents = read_documents(text);
  if (documents.problem) return to_error({source.at(documents.problem->place, to_model(*documents.problem))});
  if (documents.read.empty()) return model::Value();
  const SourceDocument& document = documents.read.front();
  if (!document.duplicates.empty())
    return to_error({source.at(document.duplicates[0].place, to_model(document.duplicates[0]))});
  if (documents.read.size() > 1)
    return to_error(
        {source.at(documents.read[1].start, to_model({{}, "one document is wanted here, not several", {}}))});
  return document.value;
}

Result<model::Value> parse_json(std::string_view text) { return detail::read_json(text); }

}  // namespace mien::wire
