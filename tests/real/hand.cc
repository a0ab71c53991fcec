// The host's hand as a program, for scenes: one call of node::Hand for each start, as text.
//
//   mien-hand HOST abilities
//   mien-hand HOST plan|apply TARGET VERB [KEY=VALUE...]    prints "KEY<tab>BEFORE<tab>AFTER" for each field
//   mien-hand HOST identity TARGET
//   mien-hand HOST read TARGET KEY
//   mien-hand HOST write TARGET KEY VALUE
//
// Exit code 0, or 1 and "CODE: MESSAGE" on standard error.
#include <iostream>
#include <string>
#include <vector>

#include "edge/drive/host_hand.h"

namespace mien {
namespace {

using Words = std::vector<std::string>;

int fail(const Error& error) {
  std::cerr << to_text(error.code) << ": " << error.to_string() << '\n';
  return 1;
}

int print(Result<std::string> text) {
  if (!text) return fail(text.error());
  std::cout << *text << '\n';
  return 0;
}

int show_abilities(node::Hand& hand) {
  for (const node::Hand::Ability& each : hand.abilities())
    std::cout << model::to_text(each.verb) << '\t' << (each.works ? "works" : each.why_not) << '\n';
  return 0;
}

int plan(node::Hand& hand, const Words& words, bool apply) {
  std::optional<model::Verb> verb = model::parse_verb(words[3]);
  if (!verb) return 2;
  model::Arguments with;
  for (std::size_t i = 4; i < words.size(); ++i) {
    std::size_t equals = words[i].find('=');
    if (equals == std::string::npos) return 2;
    with[words[i].substr(0, equals)] = words[i].substr(equals + 1);
  }
  InstanceName target(words[2]);
  Result<node::Plan> planned = hand.plan(target, *verb, with);
  if (!planned) return fail(planned.error());
  if (!planned->note.empty()) std::cerr << planned->note << '\n';
  for (const node::PlannedField& field : planned->fields) {
    std::cout << field.key << '\t' << field.before << '\t' << field.after << '\n';
    if (!apply) continue;
    if (Status written = hand.write(target, field.key, field.after); !written) return fail(written.error());
  }
  return 0;
}

int run(const Words& words) {
  if (words.size() < 2) return 2;
  std::unique_ptr<node::Hand> hand = edge::make_host_hand({.host = words[0]});
  const std::string& call = words[1];
  if (call == "abilities") return show_abilities(*hand);
  if (words.size() < 3) return 2;
  InstanceName target(words[2]);
  if (call == "identity") return print(hand->identity(target));
  if (words.size() < 4) return 2;
  if (call == "plan" || call == "apply") return plan(*hand, words, call == "apply");
  if (call == "read") return print(hand->read(target, words[3]));
  if (call != "write" || words.size() < 5) return 2;
  Status written = hand->write(target, words[3], words[4]);
  return written ? 0 : fail(written.error());
}

}  // namespace
}  // namespace mien

int main(int count, char** values) { return mien::run(mien::Words(values + 1, values + count)); }
