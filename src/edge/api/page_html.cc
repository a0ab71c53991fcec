#include "edge/api/page.h"

namespace mien::edge::api {

std::string_view page_html() { return R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mien</title><link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>
<body><main id="main"></main></body></html>
)html"; }
std::string_view page_js() { return ""; }
std::string_view page_css() { return ""; }

}  // namespace mien::edge::api
