// The module that paints, by cairo: one drawing, as SVG or PNG. Loaded by `mien score --plot` when it is first used.
#include <cairo-svg.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include <cstring>
#include <new>

#include "app/plot/plot_module.h"

namespace {

struct Page {
  cairo_surface_t* surface = nullptr;
  cairo_t* cairo = nullptr;
  bool png = false;
  int (*take)(void*, const char*, size_t) = nullptr;
  void* context = nullptr;
};

cairo_status_t hand_on(void* page, const unsigned char* bytes, unsigned int size) {
  auto* of = static_cast<Page*>(page);
  return of->take(of->context, reinterpret_cast<const char*>(bytes), size) != 0 ? CAIRO_STATUS_SUCCESS
                                                                                : CAIRO_STATUS_WRITE_ERROR;
}

void use(cairo_t* cairo, uint32_t colour) {
  auto part = [colour](unsigned shift) { return static_cast<double>((colour >> shift) & 0xffU) / 255; };
  cairo_set_source_rgba(cairo, part(24), part(16), part(8), part(0));
}

void* open_page(const char* format, double width, double height, int (*take)(void*, const char*, size_t),
                void* context) {
  auto* page = new (std::nothrow) Page{.png = std::strcmp(format, "png") == 0, .take = take, .context = context};
  if (page == nullptr) return nullptr;
  page->surface =
      page->png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height))
                : cairo_svg_surface_create_for_stream(hand_on, page, width, height);
  page->cairo = cairo_create(page->surface);
  cairo_set_line_join(page->cairo, CAIRO_LINE_JOIN_ROUND);
  return page;
}

void draw_shape(void* at, const double* points, size_t count, double stroke, double dash, uint32_t colour) {
  cairo_t* cairo = static_cast<Page*>(at)->cairo;
  use(cairo, colour);
  cairo_new_path(cairo);
  for (size_t i = 0; i < count; ++i) cairo_line_to(cairo, points[2 * i], points[2 * i + 1]);
  if (stroke <= 0) {
    cairo_close_path(cairo);
    cairo_fill(cairo);
    return;
  }
  cairo_set_line_width(cairo, stroke);
  cairo_set_dash(cairo, &dash, dash > 0 ? 1 : 0, 0);
  cairo_stroke(cairo);
}

void draw_label(void* at, double x, double y, const char* text, double size, int anchor, int bold, uint32_t colour) {
  cairo_t* cairo = static_cast<Page*>(at)->cairo;
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold != 0 ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, text, &extents);
  use(cairo, colour);
  cairo_move_to(cairo, x - extents.x_advance * anchor / 2, y);
  cairo_show_text(cairo, text);
}

const char* close_page(void* at) {
  auto* page = static_cast<Page*>(at);
  cairo_status_t drawn = cairo_status(page->cairo);
  cairo_destroy(page->cairo);
  if (drawn == CAIRO_STATUS_SUCCESS && page->png)
    drawn = cairo_surface_write_to_png_stream(page->surface, hand_on, page);
  cairo_surface_finish(page->surface);
  if (drawn == CAIRO_STATUS_SUCCESS) drawn = cairo_surface_status(page->surface);
  cairo_surface_destroy(page->surface);
  delete page;
  cairo_debug_reset_static_data();  // its caches of fonts, and theirs: nobody draws twice
  FcFini();
  return drawn == CAIRO_STATUS_SUCCESS ? nullptr : cairo_status_to_string(drawn);
}

constexpr MienPlotModule module{
    .version = mien_plot_version, .open = open_page, .shape = draw_shape, .label = draw_label, .close = close_page};

}  // namespace

extern "C" __attribute__((visibility("default"))) const MienPlotModule* mien_plot_module() { return &module; }
