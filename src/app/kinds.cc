#include "app/kinds.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "base/text.h"

namespace mien::app {
namespace {

namespace files = std::filesystem;

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// What Mien makes itself: read only.
constexpr std::array<std::array<std::string_view, 3>, 4> made_kinds{{{"Revision", "revision", "revisions"},
                                                                     {"Finding", "finding", "findings"},
                                                                     {"Decision", "decision", "decisions"},
                                                                     {"Action", "action", "actions"}}};
constexpr std::array<std::string_view, 9> known_words{"persona",  "instance", "pool",     "policy", "signal",
                                                      "revision", "finding",  "decision", "action"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Result<std::string> read_stream(std::istream& in, const std::string& name) {
  std::string text;
  std::array<char, 65536> chunk{};
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > wire::limits::file_bytes)
      return failure(Code::invalid, cat(name, " is larger than ", wire::limits::file_bytes, " bytes"));
  }
  if (in.bad()) return failure(Code::io, cat("can not read ", name));
  return text;
}

bool is_resource_file(const files::path& path) {
  std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Result<std::vector<files::path>> files_of(const std::string& folder) {
  std::vector<files::path> found;
  std::error_code error;
  for (files::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && is_resource_file(at->path())) found.push_back(at->path());
  }
  if (error) return failure(Code::io, cat("can not read the folder ", folder, ": ", error.message()));
  if (found.empty()) return failure(Code::not_found, cat("there is no .yaml, .yml or .json file under ", folder));
  std::sort(found.begin(), found.end());
  return found;
}

Status load_file(const std::string& path, wire::ParsedResources& into) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(Code::not_found, cat("can not open ", path, ": is it there, and may you read it?"));
  std::string text = TRY(read_stream(file, path));
  wire::ParsedResources parsed = wire::parse_resources(text, path);
  std::move(parsed.resources.begin(), parsed.resources.end(), std::back_inserter(into.resources));
  std::move(parsed.diagnostics.begin(), parsed.diagnostics.end(), std::back_inserter(into.diagnostics));
  return {};
}

std::vector<std::string> extended_by(const model::Resource& persona) {
  std::vector<std::string> names;
  const model::Value* extends = persona.spec.find("extends");
  if (extends == nullptr) return names;
  if (const std::string* one = extends->text()) names.push_back(*one);
  if (const model::Value::List* list = extends->list()) {
    for (const model::Value& each : *list) {
      if (const std::string* name = each.text()) names.push_back(*name);
    }
  }
  return names;
}

}  // namespace

Result<Kind> parse_kind(std::string_view text) {
  if (auto kind = model::parse_resource_kind(text))
    return Kind{.name = std::string(to_text(*kind)), .collection = std::string(collection_of(*kind))};
  std::string word = lower(text);
  for (const auto& [name, singular, plural] : made_kinds) {
    if (word == singular || word == plural) return Kind{.name = std::string(name), .collection = std::string(plural)};
  }
  auto near = nearest(word, known_words);
  return failure(Code::invalid,
                 cat("there is no kind `", text, "`", near ? cat("; did you mean `", *near, "`?") : std::string{"."},
                     " Kinds: persona, instance, pool, policy, signal, revision, finding, decision, action"));
}

std::string label_of(const model::Resource& resource) {
  return cat(lower(to_text(resource.kind)), '/', resource.metadata.name);
}

std::string path_of(const model::Resource& resource) {
  return cat("/api/v1/", collection_of(resource.kind), '/', resource.metadata.name);
}

Result<wire::ParsedResources> load_resources(const std::string& place) {
  wire::ParsedResources all;
  if (place == "-") return wire::parse_resources(TRY(read_stream(std::cin, "standard input")), "standard input");
  std::error_code ignored;
  if (files::is_directory(place, ignored)) {
    for (const files::path& path : TRY(files_of(place))) TRY(load_file(path.string(), all));
    return all;
  }
  TRY(load_file(place, all));
  return all;
}

void order_for_writing(std::vector<wire::SourcedResource>& resources) {
  std::stable_sort(resources.begin(), resources.end(), [](const auto& a, const auto& b) {
    auto rank = [](model::ResourceKind kind) {  // instances name personas and pools, policies name all of them
      switch (kind) {
        case model::ResourceKind::persona: return 0;
        case model::ResourceKind::pool: return 1;
        case model::ResourceKind::instance: return 2;
        case model::ResourceKind::signal: return 3;
        case model::ResourceKind::policy: return 4;
      }
      return 5;
    };
    return rank(a.resource.kind) < rank(b.resource.kind);
  });
  std::set<std::string> waiting;
  for (const auto& each : resources) {
    if (each.resource.kind == model::ResourceKind::persona) waiting.insert(each.resource.metadata.name);
  }
  // Of the personas the first whose bases are written already goes next; in a circle the order of the files stays.
  for (std::size_t done = 0, count = waiting.size(); done < count; ++done) {
    auto begin = resources.begin() + static_cast<std::ptrdiff_t>(done);
    auto end = resources.begin() + static_cast<std::ptrdiff_t>(count);
    auto next = std::find_if(begin, end, [&](const auto& each) {
      std::vector<std::string> bases = extended_by(each.resource);
      return std::none_of(bases.begin(), bases.end(), [&](const std::string& base) {
        return base != each.resource.metadata.name && waiting.contains(base);
      });
    });
    if (next == end) return;
    waiting.erase(next->resource.metadata.name);
    std::rotate(begin, next, next + 1);
  }
}

}  // namespace mien::app
