// The page's three files, as the program carries them.
#pragma once

#include <string_view>

namespace mien::edge::api {

[[nodiscard]] std::string_view page_html();
[[nodiscard]] std::string_view page_js();
[[nodiscard]] std::string_view page_css();

}  // namespace mien::edge::api
