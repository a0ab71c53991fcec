// The module that paints, loaded when a picture is first wanted: cairo is large, and most who run Mien draw nothing.
//
// It is mien-plot.so beside the program or in ../lib/mien (package mien-plot). Stays loaded to the end of the process.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/plot/drawing.h"
#include "base/result.h"

struct MienPlotModule;

namespace mien::app {

enum class PlotFormat : std::uint8_t { svg, png };
// By the name's end. Errors: invalid.
[[nodiscard]] Result<PlotFormat> plot_format_of(std::string_view path);

class PlotModule {
 public:
  // `folder`: where it is; empty: where it is installed. Errors: unsupported, with what to install.
  [[nodiscard]] static Result<PlotModule> load(const std::string& folder, PlotFormat format);
  // Hands the picture's bytes to `take`. Errors: what `take` says; exhausted or io.
  [[nodiscard]] Status paint(const Drawing& drawing, const std::function<Status(std::string_view)>& take) const;

 private:
  const MienPlotModule* functions_ = nullptr;
  PlotFormat format_ = PlotFormat::svg;
};

}  // namespace mien::app
