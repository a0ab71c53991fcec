#include "bench/quality/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"
#include "wire/gzip.h"

namespace mien::quality {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view packed_end = ".csv.gz";

Error failure(Code code, std::string message, std::string where) {
  return Error{.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Result<nlohmann::json> read_json(const std::string& path) {
  std::string text = TRY(read_file(path));
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return failure(Code::invalid, "is not JSON", path);
  return json;
}

Status read_labels(const std::string& path, Source& source) {
  nlohmann::json json = TRY(read_json(path));
  auto wrong = [&] { return failure(Code::invalid, "needs train_rows and anomalies as pairs of rows", path); };
  if (!json.is_object() || !json.contains("anomalies") || !json["anomalies"].is_array()) return wrong();
  if (json.contains("train_rows")) {
    if (!json["train_rows"].is_number_unsigned()) return wrong();
    source.train_rows = json["train_rows"].get<std::size_t>();
  }
  for (const auto& pair : json["anomalies"]) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() || !pair[1].is_number_unsigned())
      return wrong();
    Range range{pair[0].get<std::size_t>(), pair[1].get<std::size_t>()};
    if (range.first >= range.end) return wrong();
    source.anomalies.push_back(range);
  }
  std::sort(source.anomalies.begin(), source.anomalies.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges joined;  // ranges that meet are one anomaly
  for (const Range& range : source.anomalies) {
    if (!joined.empty() && range.first <= joined.back().end) joined.back().end = std::max(joined.back().end, range.end);
    else joined.push_back(range);
  }
  source.anomalies = std::move(joined);
  return {};
}

Status read_windows(const std::string& path, std::vector<Source>& sources) {
  nlohmann::json json = TRY(read_json(path));
  for (Source& source : sources) {
    auto found = json.find(source.name + ".csv");
    if (found == json.end()) return failure(Code::invalid, cat("says nothing of ", source.name, ".csv"), path);
    for (const auto& pair : *found) {
      std::optional<WallTime> first;
      std::optional<WallTime> last;
      if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string()) {
        first = parse_time(pair[0].get<std::string>());
        last = parse_time(pair[1].get<std::string>());
      }
      if (!first || !last)
        return failure(Code::invalid, cat("has a window of ", source.name, " that is no two times"), path);
      source.windows.emplace_back(*first, *last);
    }
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(Code::not_found, "can not be opened for reading", path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (file.bad()) return failure(Code::io, "could not be read to its end", path);
  std::string text = std::move(bytes).str();
  if (!ends_with(path, ".gz")) return text;
  Result<std::string> unpacked = wire::gunzip(text, {.max_output = Bytes{std::uint64_t{1} << 32U}, .max_ratio = 2000});
  if (!unpacked) return std::move(unpacked).error().within(path);
  return unpacked;
}

Status write_file(const std::string& path, std::string_view bytes) {
  std::error_code ignored;
  fs::create_directories(fs::path(path).parent_path(), ignored);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) return failure(Code::io, "could not be written", path);
  return {};
}

Result<std::vector<Source>> list_folder(const std::string& data, const std::string& folder) {
  std::vector<Source> sources;
  fs::path home = fs::path(data) / folder;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(home, failed), end; !failed && it != end; it.increment(failed)) {
    std::string path = it->path().string();
    if (!ends_with(path, packed_end)) continue;
    std::string name = it->path().lexically_relative(home).string();
    name.resize(name.size() - packed_end.size());
    Source source{
        .folder = folder, .name = std::move(name), .input = path, .train_rows = {}, .anomalies = {}, .windows = {}};
    std::string labels = path.substr(0, path.size() - packed_end.size()) + ".labels.json";
    if (fs::exists(labels)) {
      if (Status status = read_labels(labels, source); !status) return std::move(status).error();
    }
    sources.push_back(std::move(source));
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
  if (std::string windows = (home / "windows.json").string(); fs::exists(windows)) {
    if (Status status = read_windows(windows, sources); !status) return std::move(status).error();
  }
  return sources;
}

Result<std::vector<Source>> split_columns(const std::vector<Source>& wide, std::size_t columns,
                                          const std::string& into) {
  std::vector<Source> sources;
  for (const Source& source : wide) {
    std::string text = TRY(read_file(source.input));
    std::vector<std::string> narrow;
    for (std::string_view line : split(text, '\n')) {
      if (line.empty()) continue;
      std::vector<std::string_view> cells = split(line, ',');
      if (narrow.empty()) narrow.resize(std::min(columns, cells.size() - 1));
      for (std::size_t c = 0; c < narrow.size() && c + 1 < cells.size(); ++c)
        narrow[c] += cat(cells[0], ',', trim(cells[c + 1]), '\n');
    }
    for (std::size_t c = 0; c < narrow.size(); ++c) {
      std::string name = cat(source.name, "-", c);
      std::string path = cat(into, "/", source.folder, "/", name, ".csv");
      if (Status status = write_file(path, narrow[c]); !status) return std::move(status).error();
      sources.push_back(
          {.folder = source.folder, .name = name, .input = path, .train_rows = {}, .anomalies = {}, .windows = {}});
    }
  }
  return sources;
}

Scores Scores::from_row(std::size_t first) const {
  auto tail = [&](const auto& all) {
    auto begin = all.begin() + static_cast<std::ptrdiff_t>(std::min(first, all.size()));
    return std::decay_t<decltype(all)>(begin, all.end());
  };
  return {.times = tail(times), .scores = tail(scores), .alert = tail(alert), .kinds = tail(kinds)};
}

Result<Scores> read_scores(const std::string& path) {
  std::string text = TRY(read_file(path));
  Scores out;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    if (++number == 1 || line.empty()) continue;
    std::vector<std::string_view> cells = split(line, ',');
    std::optional<double> score = cells.size() >= 4 ? parse_double(cells[1]) : std::nullopt;
    if (!score) return failure(Code::invalid, "expects timestamp,score,alert,kind,metric", cat(path, ":", number));
    std::optional<WallTime> time = parse_time(cells[0]);
    if (!time) {
      std::optional<double> seconds = parse_double(cells[0]);
      if (!seconds) return failure(Code::invalid, "begins with no time", cat(path, ":", number));
      time = WallTime{} + from_seconds(*seconds >= 1e11 ? *seconds / 1000 : *seconds);
    }
    out.times.push_back(*time);
    out.scores.push_back(*score);
    out.alert.push_back(cells[2] == "1" ? 1 : 0);
    out.kinds.emplace_back(cells[3]);
  }
  return out;
}

Ranges rows_of(const std::vector<std::pair<WallTime, WallTime>>& windows, const std::vector<WallTime>& times) {
  Ranges out;
  for (const auto& [first, last] : windows) {
    auto begin = std::lower_bound(times.begin(), times.end(), first);
    auto end = std::upper_bound(begin, times.end(), last);
    if (begin != end)
      out.push_back({static_cast<std::size_t>(begin - times.begin()), static_cast<std::size_t>(end - times.begin())});
  }
  return out;
}

double interval(const std::vector<WallTime>& times) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < times.size(); ++i) steps.push_back(to_seconds(times[i] - times[i - 1]));
  return median(std::move(steps));
}

}  // namespace mien::quality
