#include "policy/check.h"

#include "base/text.h"
#include "policy/expression.h"

namespace mien::policy {
namespace {

void check(const model::Value& holder, std::string_view parent, std::vector<model::Diagnostic>& out) {
  const model::Value* when = holder.find("when");
  if (!when || !when->text()) return;
  auto parsed = Expression::parse(*when->text());
  if (parsed) return;
  // What to write instead stands behind the semicolon.
  const std::string& message = parsed.error().message;
  std::size_t semicolon = message.rfind("; ");
  bool helps = semicolon != std::string::npos;
  out.push_back({.gravity = model::Gravity::error,
                 .pointer = model::pointer_to(parent, "when"),
                 .message = cat(message.substr(0, semicolon), " (", parsed.error().where, ")"),
                 .suggestion = helps ? message.substr(semicolon + 2) : std::string(),
                 .about_key = false});
}

}  // namespace

std::vector<model::Diagnostic> check_expressions(model::ResourceKind kind, const model::Value& spec) {
  std::vector<model::Diagnostic> out;
  if (!spec.map()) return out;
  if (kind == model::ResourceKind::policy) check(spec, "", out);
  const model::Value* list = kind == model::ResourceKind::persona ? spec.find("activation") : nullptr;
  if (!list || !list->list()) return out;
  for (std::size_t i = 0; i < list->list()->size(); ++i)
    check((*list->list())[i], model::pointer_to("/activation", i), out);
  return out;
}

}  // namespace mien::policy
