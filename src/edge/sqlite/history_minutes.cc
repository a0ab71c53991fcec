#include "edge/sqlite/history_minutes.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "store/history_codec.h"
#include "store/minutes.h"

namespace mien::edge {

namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;
constexpr std::int64_t hours_at_a_time = 256;

struct Hour {
  std::int64_t instance = 0;
  std::int64_t start = 0;
};

Result<std::vector<Hour>> loose_hours(Database& writer, std::int64_t before) {
  Query query =
      TRY(writer.query("SELECT DISTINCT instance, first / 3600000000000 FROM minutes WHERE joined = 0 AND first >= 0 "
                       "AND first < ? LIMIT ?"));
  query.bind(before).bind(hours_at_a_time);
  std::vector<Hour> hours;
  while (TRY(query.step())) hours.push_back({.instance = query.integer(0), .start = query.integer(1) * hour_ns});
  return hours;
}

// All that was kept of one hour, by series.
struct Joined {
  std::map<model::Series, std::vector<store::HistoryPoint>> points;
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::size_t rows = 0;
};

Result<Joined> gather(Database& writer, const Hour& hour) {
  Joined joined;
  Query query =
      TRY(writer.query("SELECT m.first, m.last, s.bytes, m.bytes FROM minutes AS m JOIN series AS s ON s.id = m.series "
                       "WHERE m.instance = ? AND m.first >= ? AND m.first < ? ORDER BY m.first"));
  query.bind(hour.instance).bind(hour.start).bind(hour.start + hour_ns);
  while (TRY(query.step())) {
    const auto series = TRY(store::decode_series_list(query.bytes(2)));
    const auto columns = TRY(store::decode_columns(query.bytes(3)));
    joined.first = joined.rows == 0 ? query.integer(0) : joined.first;
    joined.last = std::max(joined.last, query.integer(1));
    ++joined.rows;
    for (std::size_t i = 0; i < series.size(); ++i) {
      const auto points = store::minute_points(columns, i);
      auto& into = joined.points[series[i]];
      into.insert(into.end(), points.begin(), points.end());
    }
  }
  return joined;
}

Status write(Database& writer, const Hour& hour, Joined joined) {
  std::vector<model::Series> series;
  std::vector<store::HistorySeries> all;
  for (auto& [name, points] : joined.points) {
    std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    series.push_back(name);
    all.push_back({.series = name, .points = store::join_points(points, store::minute)});
  }
  const std::string columns = TRY(store::encode_columns(store::from_minute_points(all)));
  const std::string list_bytes = TRY(store::encode_series_list(series));
  const std::int64_t list = TRY(series_list_id(writer, list_bytes));
  Query gone = TRY(writer.query("DELETE FROM minutes WHERE instance = ? AND first >= ? AND first < ?"));
  TRY(gone.bind(hour.instance).bind(hour.start).bind(hour.start + hour_ns).run());
  Query put =
      TRY(writer.query("INSERT INTO minutes (instance, first, last, series, joined, bytes) VALUES (?, ?, ?, ?, 1, ?)"));
  return put.bind(hour.instance).bind(joined.first).bind(joined.last).bind(list).bind_blob(columns).run();
}

Status leave_as_it_is(Database& writer, const Hour& hour) {
  Query query = TRY(writer.query("UPDATE minutes SET joined = 1 WHERE instance = ? AND first >= ? AND first < ?"));
  return query.bind(hour.instance).bind(hour.start).bind(hour.start + hour_ns).run();
}

}  // namespace

Result<std::int64_t> series_list_id(Database& writer, std::string_view bytes) {
  const std::string hash = sha256_hex(bytes);
  Query known = TRY(writer.query("SELECT id FROM series WHERE hash = ?"));
  if (TRY(known.bind_text(hash).step())) return known.integer(0);
  Query fresh = TRY(writer.query("INSERT INTO series (hash, bytes) VALUES (?, ?)"));
  TRY(fresh.bind_text(hash).bind_blob(bytes).run());
  return std::int64_t{sqlite3_last_insert_rowid(writer.handle())};
}

Status join_old_minutes(Database& writer, WallTime before) {
  const std::int64_t whole_hours = before.ns - ((before.ns % hour_ns) + hour_ns) % hour_ns;
  for (const Hour& hour : TRY(loose_hours(writer, whole_hours))) {
    Status status = writer.transaction([&]() -> Status {
      auto joined = gather(writer, hour);
      // What can not be read or does not fit one row stays as it is: reading it says why.
      if (!joined && joined.error().code != Code::corrupt && joined.error().code != Code::unsupported)
        return std::move(joined).error();
      if (!joined || joined->rows < 2) return leave_as_it_is(writer, hour);
      return write(writer, hour, std::move(*joined));
    });
    if (!status) return status;
  }
  return {};
}

}  // namespace mien::edge
