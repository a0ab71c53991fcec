#include "app/plot/layout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/plot/axis.h"
#include "app/table.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr double page_width = 1600;
constexpr double left = 96;
constexpr double right = page_width - 36;
constexpr double plot_width = right - left;
constexpr double head_height = 78;
constexpr double lane_height = 20;
constexpr int most_lanes = 3;
constexpr double panel_head = 24;
constexpr double panel_gap = 12;
constexpr double score_height = 130;
constexpr double foot_height = 62;
constexpr double text_size = 13;
constexpr double time_tick_width = 98;  // a label is up to 90 wide
constexpr double value_tick_height = 42;

constexpr Rgba ink = 0x222222ff;
constexpr Rgba grey = 0x6b6b6bff;
constexpr Rgba faint = 0xe4e4e4ff;
constexpr Rgba frame = 0xb0b0b0ff;
constexpr Rgba observed_colour = 0x1b4f8cff;
constexpr Rgba band_colour = 0xd5e8d4ff;
constexpr Rgba edge_colour = 0x8cc98aff;  // of the band
constexpr Rgba expected_colour = 0x5a9a58ff;
constexpr Rgba blamed_colour = 0xf6b9aeff;
constexpr Rgba elsewhere_colour = 0xfbeae6ff;
constexpr Rgba finding_colour = 0xa52714ff;
constexpr Rgba score_colour = 0x8c3b00ff;
constexpr Rgba level_colour = 0x444444ff;

// Of a panel: where it is on the page, and which values are at its edges.
struct Box {
  double top = 0;
  double height = 0;
  double low = 0;
  double high = 1;
  [[nodiscard]] double bottom() const { return top + height; }
  [[nodiscard]] double y(double value) const {
    double share = (value / 2 - low / 2) / (high / 2 - low / 2);
    return bottom() - std::clamp(share, 0.0, 1.0) * height;
  }
};

// One pixel column of the page, of all slots that fall on it.
struct Reach {
  double x = 0;
  double low = 0;
  double high = 0;
};

double height_of_panels(std::size_t count) {
  if (count <= 1) return 380;
  if (count == 2) return 250;
  return count <= 4 ? 180 : 130;
}

std::string counted(std::uint64_t count, std::string_view one) {
  return cat(count < 100'000 ? std::to_string(count) : short_number(static_cast<double>(count)), " ", one,
             count == 1 ? "" : "s");
}

class Page {
 public:
  Page(const PlotData& data, const PlotWords& words) : data_(data), words_(words) {
    out_.width = page_width;
    order_ = data.ranking();
    shown_ = std::min(order_.size(), most_panels);
  }

  Drawing make() {
    place_findings();
    double top = head_height + lane_height * static_cast<double>(lanes_.size()) + 6;
    double height = height_of_panels(shown_);
    for (std::size_t i = 0; i < shown_; ++i) {
      panels_.push_back({.top = top + panel_head, .height = height});
      top += panel_head + height + panel_gap;
    }
    score_ = {.top = top + panel_head, .height = score_height, .low = 0, .high = 1};
    out_.height = score_.bottom() + foot_height;
    area({{0, 0}, {page_width, 0}, {page_width, out_.height}, {0, out_.height}}, 0xffffffff);
    head();
    ticks_ = time_ticks(data_.first(), data_.last(), static_cast<int>(plot_width / time_tick_width));
    findings();
    for (std::size_t i = 0; i < shown_; ++i) panel(panels_[i], order_[i]);
    score_panel();
    time_axis();
    foot();
    return std::move(out_);
  }

 private:
  // ---- drawing ----

  void area(std::vector<Point> points, Rgba colour) {
    out_.parts.emplace_back(Shape{.points = std::move(points), .colour = colour});
  }
  void line(std::vector<Point> points, Rgba colour, double stroke, double dash = 0) {
    out_.parts.emplace_back(Shape{.points = std::move(points), .colour = colour, .stroke = stroke, .dash = dash});
  }
  // A label over whatever is below it.
  void title(Label over) {
    double width = width_of_label(over.text, over.size, over.bold);
    double from = over.at.x - (over.anchor == Anchor::right ? width : 0) - 2;
    area({{from, over.at.y - over.size},
          {from + width + 4, over.at.y - over.size},
          {from + width + 4, over.at.y + 5},
          {from, over.at.y + 5}},
         0xffffffff);
    label(std::move(over));
  }
  void label(Label label) { out_.parts.emplace_back(std::move(label)); }

  [[nodiscard]] double x_of(WallTime t) const {
    if (!(data_.first() < data_.last())) return left + plot_width / 2;
    double share =
        static_cast<double>(t.ns - data_.first().ns) / static_cast<double>(data_.last().ns - data_.first().ns);
    return left + plot_width * std::clamp(share, 0.0, 1.0);
  }
  [[nodiscard]] double x_of_slot(std::size_t slot) const { return x_of(data_.slot_time(slot)); }
  // Where a slot begins and ends on the page.
  [[nodiscard]] std::pair<double, double> reach_of_slot(std::size_t slot) const {
    double before = slot == 0 ? left : (x_of_slot(slot - 1) + x_of_slot(slot)) / 2;
    double after = slot + 1 == data_.slots() ? right : (x_of_slot(slot + 1) + x_of_slot(slot)) / 2;
    return {before, after};
  }

  // Shades every run of slots of which `shaded` is true.
  template <class Shaded>
  void shade(const Box& box, Rgba colour, Shaded shaded) {
    for (std::size_t i = 0; i < data_.slots(); ++i) {
      if (!shaded(i)) continue;
      std::size_t first = i;
      while (i + 1 < data_.slots() && (shaded(i + 1) || data_.slot(i + 1).rows == 0)) ++i;
      while (i > first && !shaded(i)) --i;
      double from = reach_of_slot(first).first;
      double to = std::max(reach_of_slot(i).second, from + 2);
      area({{from, box.top}, {to, box.top}, {to, box.bottom()}, {from, box.bottom()}}, colour);
    }
  }

  // The runs of a column's slots that a line connects, a point for each pixel.
  [[nodiscard]] std::vector<std::vector<Reach>> runs_of(std::size_t column) const {
    std::vector<std::vector<Reach>> runs;
    bool broken = true;
    for (std::size_t i = 0; i < data_.slots(); ++i) {
      const PlotData::Cell& cell = data_.cell(column, i);
      if (!cell.known) continue;
      if (broken || cell.begins) runs.emplace_back();
      broken = false;
      double x = std::floor(x_of_slot(i)) + 0.5;
      std::vector<Reach>& run = runs.back();
      if (!run.empty() && run.back().x == x) {
        run.back().low = std::min(run.back().low, cell.low);
        run.back().high = std::max(run.back().high, cell.high);
      } else {
        run.push_back({.x = x, .low = cell.low, .high = cell.high});
      }
    }
    return runs;
  }

  // ---- the parts of the page ----

  void head() {
    double legend = legend_entries();
    label({.at = {left, 32},
           .text = shorten_label(words_.title, legend - left - 24, 20, true),
           .size = 20,
           .bold = true,
           .colour = ink});
    std::string says = data_.rows() == 0
                           ? "no rows"
                           : cat(span_text(data_.first(), data_.last()), "  ·  ", counted(data_.rows(), "row"));
    if (data_.interval() > 0) says += cat(" every ", interval_text(data_.interval()));
    double per_week = words_.false_alarms_per_week;
    says += cat("  ·  ", counted(data_.findings(), "finding"), "  ·  false alarms promised: at most ",
                to_text(per_week, 3), " a week");
    label({.at = {left, 56}, .text = says, .size = text_size, .colour = grey});
  }

  // In the upper right corner; returns where it begins.
  double legend_entries() {
    struct Entry {
      const char* text;
      Rgba colour;
      double stroke;
      double dash;
    };
    constexpr std::array<Entry, 5> entries{{{"observed", observed_colour, 2, 0},
                                            {"expected", expected_colour, 2, 0},
                                            {"healthy (99 %)", band_colour, 0, 0},
                                            {"finding", blamed_colour, 0, 0},
                                            {"finding, of others", elsewhere_colour, 0, 0}}};
    double x = right;
    for (std::size_t i = entries.size(); i-- > 0;) {
      const Entry& entry = entries[i];
      x -= width_of_label(entry.text, text_size, false);
      label({.at = {x, 30}, .text = entry.text, .size = text_size, .colour = grey});
      x -= 34;
      if (entry.stroke > 0) line({{x, 26}, {x + 26, 26}}, entry.colour, entry.stroke, entry.dash);
      else area({{x, 19}, {x + 26, 19}, {x + 26, 33}, {x, 33}}, entry.colour);
      x -= 18;
    }
    return x;
  }

  [[nodiscard]] ValueAxis axis_of(std::size_t column, double height) const {
    bool any = false;
    double low = 0;
    double high = 0;
    double band_low = 0;
    double band_high = 0;
    bool banded = false;
    for (std::size_t i = 0; i < data_.slots(); ++i) {
      const PlotData::Cell& cell = data_.cell(column, i);
      if (cell.known) {
        low = any ? std::min(low, cell.low) : cell.low;
        high = any ? std::max(high, cell.high) : cell.high;
        any = true;
      }
      if (cell.banded) {
        band_low = banded ? std::min(band_low, cell.band_low) : cell.band_low;
        band_high = banded ? std::max(band_high, cell.band_high) : cell.band_high;
        banded = true;
      }
    }
    if (banded) {  // in full, unless it would press the values together
      double room = 0.4 * (high - low);
      double wanted_low = std::min(low, band_low);
      double wanted_high = std::max(high, band_high);
      low = high > low ? std::max(wanted_low, low - room) : wanted_low;
      high = high > low ? std::min(wanted_high, high + room) : wanted_high;
    }
    return value_axis(low, high, std::max(2, static_cast<int>(height / value_tick_height)));
  }

  void panel(Box box, std::size_t column) {
    ValueAxis axis = axis_of(column, box.height);
    box.low = axis.low;
    box.high = axis.high;
    area({{left, box.top}, {right, box.top}, {right, box.bottom()}, {left, box.bottom()}}, 0xffffffff);
    shade(box, elsewhere_colour, [&](std::size_t i) { return data_.slot(i).alert; });
    shade(box, blamed_colour, [&](std::size_t i) { return data_.cell(column, i).blamed; });
    std::vector<std::vector<Point>> outlines = band(box, column);
    grid(box, axis);
    values(box, column);
    for (std::size_t i = 0; i < outlines.size(); ++i)  // of each run both edges, then the middle
      line(std::move(outlines[i]), i % 3 == 2 ? expected_colour : edge_colour, i % 3 == 2 ? 1.3 : 0.9);
    border(box);
    panel_title(box, column, axis);
  }

  void panel_title(const Box& box, std::size_t column, const ValueAxis& axis) {
    const PlotData::Blame& blame = data_.blame(column);
    std::string aside = blame.findings == 0 ? std::string("in no finding")
                                            : cat("in ", blame.findings, " of ", counted(data_.findings(), "finding"),
                                                  ", ", to_text(blame.bits, 3), " bits in all");
    if (!axis.offset.empty()) aside = cat("values relative to ", axis.offset, "   ·   ", aside);
    double room = plot_width - width_of_label(aside, text_size, false) - 30;
    title({.at = {left, box.top - 8},
           .text = shorten_label(data_.columns()[column], room, 14, true),
           .size = 14,
           .bold = true,
           .colour = ink});
    title({.at = {right, box.top - 8}, .text = aside, .size = text_size, .anchor = Anchor::right, .colour = grey});
  }

  void grid(const Box& box, const ValueAxis& axis) {
    for (const Tick& tick : axis.ticks) {
      double y = std::floor(box.bottom() - tick.at * box.height) + 0.5;
      line({{left, y}, {right, y}}, faint, 1);
      label({.at = {left - 8, y + 4.5}, .text = tick.text, .size = text_size, .anchor = Anchor::right, .colour = grey});
    }
    if (data_.rows() < 2) return;
    for (const Tick& tick : ticks_) {
      double x = std::floor(left + tick.at * plot_width) + 0.5;
      line({{x, box.top}, {x, box.bottom()}}, faint, 1);
    }
  }

  void border(const Box& box) {
    line({{left, box.top}, {right, box.top}, {right, box.bottom()}, {left, box.bottom()}, {left, box.top}}, frame, 1);
  }

  // Draws the area, and returns the lines that belong over the values: where many samples fall on a pixel, these cover
  // it.
  [[nodiscard]] std::vector<std::vector<Point>> band(const Box& box, std::size_t column) {
    std::vector<std::vector<Point>> outlines;
    std::vector<Point> above;
    std::vector<Point> below;
    std::vector<Point> middle;
    auto end_run = [&] {
      if (above.size() > 1) {
        outlines.push_back(above);
        outlines.push_back(below);
        above.insert(above.end(), below.rbegin(), below.rend());
        area(above, band_colour);
        outlines.push_back(std::move(middle));
      }
      above.clear();
      below.clear();
      middle.clear();
    };
    double learned_from = -1;
    for (std::size_t i = 0; i < data_.slots(); ++i) {
      const PlotData::Cell& cell = data_.cell(column, i);
      if (!cell.known) continue;
      if (!cell.banded || cell.begins) end_run();
      if (!cell.banded) continue;
      double x = x_of_slot(i);
      if (learned_from < 0) learned_from = x;
      if (!above.empty() && x - above.back().x < 1) continue;
      above.push_back({x, box.y(cell.band_high)});
      below.push_back({x, box.y(cell.band_low)});
      middle.push_back({x, box.y(cell.band_middle)});
    }
    end_run();
    double until = learned_from < 0 ? right : learned_from;
    bool any = learned_from >= 0 || !runs_of(column).empty();
    if (any && until - left > 90)
      label({.at = {left + 8, box.bottom() - 8}, .text = "learning", .size = text_size, .colour = grey});
    return outlines;
  }

  void values(const Box& box, std::size_t column) {
    std::vector<std::vector<Reach>> runs = runs_of(column);
    if (runs.empty()) {
      label({.at = {left + plot_width / 2, box.top + box.height / 2},
             .text = "no values",
             .size = 15,
             .anchor = Anchor::middle,
             .colour = grey});
      return;
    }
    for (const std::vector<Reach>& run : runs) {
      if (run.size() == 1 && run[0].low == run[0].high) {  // alone: a dot, or it would not be seen
        double y = box.y(run[0].low);
        area({{run[0].x - 2, y - 2}, {run[0].x + 2, y - 2}, {run[0].x + 2, y + 2}, {run[0].x - 2, y + 2}},
             observed_colour);
        continue;
      }
      std::vector<Point> points;
      for (const Reach& reach : run) {
        double low = box.y(reach.low);
        double high = box.y(reach.high);
        // First the end that is nearer to where the line comes from.
        bool down = !points.empty() && std::fabs(points.back().y - low) < std::fabs(points.back().y - high);
        points.push_back({reach.x, down ? low : high});
        if (reach.low < reach.high) points.push_back({reach.x, down ? high : low});
      }
      line(std::move(points), observed_colour, 1.3);
    }
  }

  void score_panel() {
    ValueAxis axis{.low = 0,
                   .high = 1,
                   .ticks = {{.at = 0, .text = "0", .below = {}},
                             {.at = 0.5, .text = "0.5", .below = {}},
                             {.at = 1, .text = "1", .below = {}}},
                   .offset = {}};
    area({{left, score_.top}, {right, score_.top}, {right, score_.bottom()}, {left, score_.bottom()}}, 0xffffffff);
    shade(score_, blamed_colour, [&](std::size_t i) { return data_.slot(i).alert; });
    grid(score_, axis);
    std::vector<Point> score;
    std::vector<Point> level;
    for (std::size_t i = 0; i < data_.slots(); ++i) {
      const PlotData::Slot& slot = data_.slot(i);
      if (slot.rows == 0) continue;
      double x = std::floor(x_of_slot(i)) + 0.5;
      if (!score.empty() && score.back().x == x) {
        score.back().y = std::min(score.back().y, score_.y(slot.score));
        continue;
      }
      score.push_back({x, score_.y(slot.score)});
      level.push_back({x, score_.y(slot.alarm_level)});
    }
    if (score.size() > 1) {
      std::vector<Point> filled = score;
      filled.push_back({score.back().x, score_.bottom()});
      filled.push_back({score.front().x, score_.bottom()});
      area(std::move(filled), 0x8c3b0033);
      line(level, level_colour, 1.2, 6);
      line(score, score_colour, 1.2);
    }
    border(score_);
    label({.at = {left, score_.top - 8}, .text = "score", .size = 14, .bold = true, .colour = score_colour});
    label({.at = {right, score_.top - 8},
           .text = "dashed: the alarm level, above which a finding opens",
           .size = text_size,
           .anchor = Anchor::right,
           .colour = grey});
    trained();
  }

  // Where what is known to be healthy ends.
  void trained() {
    if (words_.train_rows == 0 || data_.rows() < 2) return;
    double x = words_.train_rows >= data_.rows() ? right : x_of(data_.time_of_row(words_.train_rows));
    line({{x, score_.top}, {x, score_.bottom()}}, grey, 1, 3);
    std::string text = "known to be healthy";
    bool fits = x - left > width_of_label(text, text_size, false) + 16;
    if (fits)
      label({.at = {x - 8, score_.top + 17}, .text = text, .size = text_size, .anchor = Anchor::right, .colour = grey});
  }

  // Which findings get a label: the strongest first, as long as there is room in a lane.
  void place_findings() {
    std::vector<std::size_t> order(data_.episodes().size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return data_.episodes()[a].score > data_.episodes()[b].score;
    });
    for (std::size_t i : order) {
      std::string text = std::string(model::to_text(data_.episodes()[i].kind));
      if (data_.episodes()[i].open) text += " (open)";
      double width = width_of_label(text, text_size, true) + 14;
      double from = std::min(x_of(data_.episodes()[i].opened_at), right - width);
      for (int lane = 0; lane < most_lanes; ++lane) {
        if (lane == static_cast<int>(lanes_.size())) lanes_.emplace_back();
        auto& taken = lanes_[static_cast<std::size_t>(lane)];
        bool free = std::none_of(taken.begin(), taken.end(), [&](const Placed& other) {
          return from < other.from + other.width && other.from < from + width;
        });
        if (!free) continue;
        taken.push_back({.episode = i, .text = text, .from = from, .width = width});
        ++labelled_;
        break;
      }
    }
    while (!lanes_.empty() && lanes_.back().empty()) lanes_.pop_back();
  }

  void findings() {
    double end = head_height + lane_height * static_cast<double>(lanes_.size());
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      double y = end - lane_height * static_cast<double>(lane) - 6;
      for (const Placed& placed : lanes_[lane]) {
        double x = x_of(data_.episodes()[placed.episode].opened_at);
        line({{x, y - 10}, {x, end + 6 + panel_head}}, finding_colour, 1);
        area({{placed.from, y - 14},
              {placed.from + placed.width - 2, y - 14},
              {placed.from + placed.width - 2, y + 4},
              {placed.from, y + 4}},
             0xffffffff);
        area({{placed.from, y - 14}, {placed.from + 3, y - 14}, {placed.from + 3, y + 4}, {placed.from, y + 4}},
             finding_colour);
        label({.at = {placed.from + 7, y},
               .text = placed.text,
               .size = text_size,
               .bold = true,
               .colour = finding_colour});
      }
    }
  }

  void time_axis() {
    double taken = 0;  // by the second line, up to here
    if (data_.rows() == 0) return;
    for (const Tick& tick : ticks_) {
      double x = left + tick.at * plot_width;
      line({{x, score_.bottom()}, {x, score_.bottom() + 5}}, frame, 1);
      label({.at = {x, score_.bottom() + 19},
             .text = tick.text,
             .size = text_size,
             .anchor = Anchor::middle,
             .colour = ink});
      double half = width_of_label(tick.below, text_size, false) / 2;
      if (tick.below.empty() || x - half < taken) continue;
      taken = x + half + 12;
      label({.at = {x, score_.bottom() + 36},
             .text = tick.below,
             .size = text_size,
             .anchor = Anchor::middle,
             .colour = grey});
    }
  }

  void foot() {
    std::string says = "times are UTC";
    if (order_.size() > shown_)
      says = cat(counted(order_.size() - shown_, "more column"), " not shown: blamed less  ·  ", says);
    if (labelled_ < data_.findings())
      says = cat("labels of ", labelled_, " of ", counted(data_.findings(), "finding"), ", the strongest  ·  ", says);
    label({.at = {right, out_.height - 8}, .text = says, .size = 12, .anchor = Anchor::right, .colour = grey});
  }

  struct Placed {
    std::size_t episode = 0;
    std::string text;
    double from = 0;
    double width = 0;
  };

  const PlotData& data_;
  const PlotWords& words_;
  Drawing out_;
  std::vector<std::size_t> order_;
  std::size_t shown_ = 0;
  std::vector<Box> panels_;
  Box score_;
  std::vector<Tick> ticks_;
  std::vector<std::vector<Placed>> lanes_;  // the lowest first
  std::uint64_t labelled_ = 0;
};

}  // namespace

Drawing lay_out(const PlotData& data, const PlotWords& words) { return Page(data, words).make(); }

}  // namespace mien::app
