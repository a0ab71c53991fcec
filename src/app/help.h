// What `mien help` says: the overview, a verb with its options and examples, and all of it as one page of Markdown
// (docs/reference/cli.md). Everything is read from the registered verbs; only the examples are written by hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace mien::app {

[[nodiscard]] std::vector<std::string> verb_names(
    const CLI::App& program);  // in order of registration, hidden ones left out
[[nodiscard]] const CLI::App* find_verb(const CLI::App& program, std::string_view name);  // nullptr: there is none
[[nodiscard]] std::string overview(const CLI::App& program);
[[nodiscard]] std::string verb_help(const CLI::App& verb);
[[nodiscard]] std::string reference_markdown(const CLI::App& program);
// "Examples:\n  mien ...": empty for a verb without any.
[[nodiscard]] std::string examples_of(std::string_view verb);

}  // namespace mien::app
