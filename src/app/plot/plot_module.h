// The door of the module that paints: a table of plain C functions, so that it and the program need to agree on nothing
// else. Lengths are in points (of a PNG: pixels), colours are 0xrrggbbaa. No function throws; one thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

struct MienPlotModule {
  uint32_t version;  // mien_plot_version of the header it was made with

  // A page of a format ("svg", "png"), whose bytes go to `take` when it is closed; 0 from it ends that. Null: no
  // memory.
  void* (*open)(const char* format, double width, double height,
                int (*take)(void* context, const char* bytes, size_t size), void* context);
  // `points` has x and y by turns. A stroke of 0 fills the area that the points enclose; a dash of 0 is a solid line.
  void (*shape)(void* page, const double* points, size_t count, double stroke, double dash, uint32_t colour);
  // `anchor`: which part of the text stands at x; 0 its begin, 1 its middle, 2 its end. y is of the baseline.
  void (*label)(void* page, double x, double y, const char* text, double size, int anchor, int bold, uint32_t colour);
  // Writes the page and ends it. Null, or what went wrong, valid until the next call.
  const char* (*close)(void* page);
};

enum { mien_plot_version = 1 };

// What the program looks up.
const struct MienPlotModule* mien_plot_module(void);
}
