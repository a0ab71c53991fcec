#include "app/plot/module.h"

#include <vector>

#include "app/plot/plot_module.h"
#include "base/text.h"
#include "edge/files/module_file.h"

namespace mien::app {
namespace {

constexpr edge::ModuleFile file{.file = "mien-plot.so",
                                .door = "mien_plot_module",
                                .for_what = "drawing",
                                .package = "mien-plot",
                                .library = "cairo (apt-get install libcairo2)"};

Error elsewhere(Error error) {
  error.where = "--plot";
  return error;
}

std::vector<double> coordinates_of(const Shape& shape) {
  std::vector<double> out;
  out.reserve(2 * shape.points.size());
  for (const Point& point : shape.points) {
    out.push_back(point.x);
    out.push_back(point.y);
  }
  return out;
}

// What `take` answered, for after the module is done.
struct Taking {
  const std::function<Status(std::string_view)>& take;
  Status status;
  static int next(void* context, const char* bytes, size_t size) {
    auto* self = static_cast<Taking*>(context);
    if (self->status) self->status = self->take({bytes, size});
    return self->status ? 1 : 0;
  }
};

}  // namespace

Result<PlotFormat> plot_format_of(std::string_view path) {
  if (path.ends_with(".svg")) return PlotFormat::svg;
  if (path.ends_with(".png")) return PlotFormat::png;
  return Error{.code = Code::invalid,
               .message = cat("--plot ", path, ": give a name that ends in .svg or .png"),
               .where = {},
               .cause = {}};
}

Result<PlotModule> PlotModule::load(const std::string& folder, PlotFormat format) {
  Result<void*> door = edge::load_module(file, folder);
  if (!door) return elsewhere(door.error());
  const MienPlotModule* functions = reinterpret_cast<decltype(&mien_plot_module)>(*door)();
  if (functions == nullptr || functions->version != mien_plot_version) return elsewhere(edge::wrong_release(file));
  PlotModule module;
  module.functions_ = functions;
  module.format_ = format;
  return module;
}

Status PlotModule::paint(const Drawing& drawing, const std::function<Status(std::string_view)>& take) const {
  Taking taking{.take = take, .status = {}};
  void* page = functions_->open(format_ == PlotFormat::png ? "png" : "svg", drawing.width, drawing.height,
                                &Taking::next, &taking);
  if (page == nullptr)
    return Error{.code = Code::exhausted, .message = "no memory for a picture", .where = "--plot", .cause = {}};
  for (const auto& part : drawing.parts) {
    if (const Shape* shape = std::get_if<Shape>(&part)) {
      std::vector<double> points = coordinates_of(*shape);
      functions_->shape(page, points.data(), shape->points.size(), shape->stroke, shape->dash, shape->colour);
    } else if (const Label* label = std::get_if<Label>(&part)) {
      functions_->label(page, label->at.x, label->at.y, label->text.c_str(), label->size,
                        static_cast<int>(label->anchor), label->bold ? 1 : 0, label->colour);
    }
  }
  const char* wrong = functions_->close(page);
  TRY(taking.status);
  if (wrong != nullptr)
    return Error{
        .code = Code::io, .message = cat("the picture could not be made: ", wrong), .where = "--plot", .cause = {}};
  return {};
}

}  // namespace mien::app
