// Shell completion: the shells ask `mien __complete WORD...` what may stand where the cursor is, so that one function
// answers for all of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace mien::app {

// The names of what a collection holds ("personas"); empty when the server does not say.
using NamesOf = std::function<std::vector<std::string>(const std::string& collection)>;

// What may replace the last of `words` (the words after `mien`, the last one as far as it is typed).
[[nodiscard]] std::vector<std::string> complete(const CLI::App& program, const std::vector<std::string>& words,
                                                const NamesOf& names_of);
// The script for "bash", "zsh" or "fish"; empty for another shell.
[[nodiscard]] std::string_view completion_script(std::string_view shell);

}  // namespace mien::app
