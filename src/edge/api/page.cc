// The plain live page at `/`: what `mien drift` shows. Three small files, no outside resource, a strict policy.
#include "edge/api/page.h"

#include "edge/api/handlers.h"

namespace mien::edge::api {
namespace {

void serve(Call& call, const char* type, std::string_view text) {
  HttpResponse response;
  response.headers["content-type"] = type;
  response.headers["content-security-policy"] =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri "
      "'none'; form-action 'none'; frame-ancestors 'none'";
  response.headers["referrer-policy"] = "no-referrer";
  response.headers["cache-control"] = "no-cache";
  response.body = text;
  call.respond(std::move(response));
}

}  // namespace

void page(Service&, const CallPtr& call) { serve(*call, "text/html; charset=utf-8", page_html()); }
void page_script(Service&, const CallPtr& call) { serve(*call, "text/javascript; charset=utf-8", page_js()); }
void page_style(Service&, const CallPtr& call) { serve(*call, "text/css; charset=utf-8", page_css()); }

}  // namespace mien::edge::api
