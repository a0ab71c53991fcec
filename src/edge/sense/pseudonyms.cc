#include "edge/sense/pseudonyms.h"

#include <pwd.h>

#include <array>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/crypto/crypto.h"
#include "edge/replace_file.h"

namespace mien::edge {
namespace {

constexpr std::size_t digits = 12;
constexpr std::size_t key_length = 64;  // hex
constexpr std::int64_t first_person = 1000, nobody = 65534;
constexpr std::string_view homes = "/home/";

bool is_person(std::int64_t uid) { return uid >= first_person && uid != nobody; }

// Who is not known here came from somewhere else, and is a person too.
bool is_person(const std::string& name) {
  if (auto number = parse_integer(name)) return is_person(*number);
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return true;
  return is_person(std::int64_t{entry.pw_uid});
}

}  // namespace

Result<Pseudonyms> Pseudonyms::open(const std::string& key_file) {
  std::string key(trim(read_text(key_file).value_or(std::string{})));
  if (key.size() == key_length) return Pseudonyms(std::move(key));
  key = random_token();
  TRY(replace_file(key_file, key + "\n"));
  return Pseudonyms(std::move(key));
}

const std::string& Pseudonyms::of(std::string_view name) {
  if (auto at = known_.find(name); at != known_.end()) return at->second;
  if (known_.size() >= most) known_.clear();
  std::string text(name);
  std::string told = text;
  if (!text.empty() && is_person(text)) {
    told = "user-";
    for (char each : hmac_sha256(key_, text).substr(0, digits / 2)) {
      auto byte = static_cast<unsigned char>(each);
      told += "0123456789abcdef"[byte >> 4U];
      told += "0123456789abcdef"[byte & 15U];
    }
  }
  return known_.emplace(std::move(text), std::move(told)).first->second;
}

void Pseudonyms::hide_homes(std::string& text) {
  for (std::size_t at = text.find(homes); at != std::string::npos; at = text.find(homes, at)) {
    at += homes.size();
    std::size_t end = std::min(text.find_first_of("/ ", at), text.size());
    const std::string& told = of(std::string_view(text).substr(at, end - at));
    text.replace(at, end - at, told);
    at += told.size();
  }
}

void Pseudonyms::hide(model::SecurityFact& fact) {
  using enum model::FactKind;
  fact.user = of(fact.user);
  if (fact.kind == privilege || fact.kind == login || fact.kind == sudo) fact.object = of(fact.object);
  for (std::string* text : {&fact.object, &fact.process, &fact.parents, &fact.detail}) hide_homes(*text);
}

}  // namespace mien::edge
