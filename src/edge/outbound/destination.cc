#include "edge/outbound/destination.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

constexpr off_t largest_secret = 16 * 1024;
constexpr Bytes largest_answer{1U << 20U};
constexpr Duration longest_retry_after = std::chrono::hours{1};

Error invalid(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

// What went wrong at the bottom, without the addresses that were added on the way up.
std::string innermost(const Error& error) {
  const Error* at = &error;
  while (at->cause) at = at->cause.get();
  return at->message;
}

std::string authorities(const std::string& file) {
  std::ifstream in(file.empty() ? std::string(system_authorities) : file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

Result<DestinationUrl> parse_destination(std::string_view url) {
  std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return invalid("an address begins with http:// or https://");
  std::size_t slash = url.find_first_of("/?#", scheme + 3);
  std::string_view server = url.substr(0, slash);
  if (server.find('@') != std::string_view::npos)
    return invalid("no name or password stands in an address: they would be logged on the way; use token_file");
  if (url.find('#') != std::string_view::npos) return invalid("an address has no part after #");
  TRY(parse_server_url(server));
  Target target = TRY(parse_target(slash == std::string_view::npos ? "/"
                                   : url[slash] == '?'             ? cat("/", url.substr(slash))
                                                                   : std::string(url.substr(slash))));
  std::string path = target.path;
  while (path.ends_with('/')) path.pop_back();
  return DestinationUrl{.server = std::string(server), .path = std::move(path), .query = std::move(target.query)};
}

Result<std::string> read_secret(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{.code = errno == ENOENT ? Code::not_found : Code::io,
                 .message = cat("can not read the secret: ", std::strerror(errno)),
                 .where = path,
                 .cause = {}};
  struct stat info {};
  std::string secret;
  bool whole = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= largest_secret;
  if (whole) {
    secret.resize(static_cast<std::size_t>(info.st_size));
    whole = ::read(fd, secret.data(), secret.size()) == info.st_size;
  }
  ::close(fd);
  if ((info.st_mode & 077) != 0)
    return Error{.code = Code::refused,
                 .message = cat("others may read this secret: `chmod 600 ", path, "`, and exchange it if they did"),
                 .where = path,
                 .cause = {}};
  std::string trimmed(trim(secret));
  if (!whole || trimmed.empty())
    return Error{.code = Code::invalid, .message = "there is no secret in this file", .where = path, .cause = {}};
  return trimmed;
}

Duration Backoff::after(std::uint32_t attempt, Prng& chance) const {
  Duration whole = first;
  for (std::uint32_t i = 1; i < attempt && whole < longest; ++i) whole *= 2;
  whole = std::min(whole, longest);
  double share = 0.5 + 0.5 * chance.uniform();
  return Duration{static_cast<std::int64_t>(static_cast<double>(whole.count()) * share)};
}

Destination::Destination(DestinationOptions options)
    : options_(std::move(options)), url_(parse_destination(options_.url).value_or({})) {
  client_ = HttpClient::make(
      {.url = url_.server,
       .ca_pem = to_lower(url_.server).starts_with("https") ? authorities(options_.ca_file) : std::string{},
       .connect_timeout = options_.timeout,
       .max_answer = largest_answer});
}

Destination::~Destination() = default;

Told Destination::post(std::string_view below, std::string body, std::map<std::string, std::string> headers) {
  HttpRequest request{.method = "POST", .path = cat(url_.path, below), .query = url_.query};
  if (request.path.empty()) request.path = "/";
  request.headers = std::move(headers);
  request.headers["user-agent"] = "mien";
  request.body = std::move(body);
  if (!options_.token_file.empty()) {
    Result<std::string> token = read_secret(options_.token_file);
    if (!token) return {.outcome = Outcome::again, .not_before = {}, .why = token.error().to_string()};
    request.headers["authorization"] = cat("Bearer ", *token);
  }
  Result<HttpResponse> response = client_->send(request, options_.timeout);
  if (!response) return {.outcome = Outcome::again, .not_before = {}, .why = innermost(response.error())};
  int status = response->status;
  if (status >= 200 && status <= 299) return {};
  Told told{.outcome = Outcome::refused, .not_before = {}, .why = cat("answered ", status)};
  if (status == 408 || status == 425 || status == 429 || status >= 500) told.outcome = Outcome::again;
  if (auto seconds = parse_integer(response->headers["retry-after"]); seconds && *seconds > 0)
    told.not_before =
        std::min<Duration>(std::chrono::seconds{std::min<std::int64_t>(*seconds, 3600)}, longest_retry_after);
  return told;
}

void Destination::cancel() { client_->cancel(); }

}  // namespace mien::edge
