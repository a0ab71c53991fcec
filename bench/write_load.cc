// Sends Prometheus remote-write 1.0 as a Prometheus would: --series series of hosts of --host-series each, --body
// samples in a request, round after round, from --connections at once, as fast as the server answers.
// bench/ingest_compare.py measures the server; what this program costs itself does not count.
//
// Prints one line of JSON: samples that were taken, requests, how often the server said "later", seconds.
// rooms: wire
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "wire/remote_write_encode.h"
#include "wire/snappy.h"

namespace mien {
namespace {

struct Load {
  int port = 0;
  std::string path = "/api/v1/write";
  int series = 100'000;
  int host_series = 800;
  int body = 500;
  int connections = 2;
  int first_round = 0;
  int rounds = 10;
  int step = 5;         // seconds between two rounds' samples
  std::int64_t at = 0;  // of round 0, milliseconds since 1970
  int replaced = 0;     // of a thousand series, each round
};

struct Done {
  std::atomic<std::uint64_t> samples = 0, requests = 0, later = 0, failed = 0;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "write_load: %s\n", why.c_str());
  std::exit(1);
}

int connect_to(int port) {
  int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("can not connect");
  return socket_;
}

// The status of the answer; its body, of which none is large, is passed over.
int ask(int socket_, const std::string& request) {
  for (std::size_t sent = 0; sent < request.size();) {
    ssize_t n = send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) fail("the connection broke");
    sent += static_cast<std::size_t>(n);
  }
  std::string answer;
  for (;;) {
    char bytes[4096];
    ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
    if (n <= 0) fail("the connection broke");
    answer.append(bytes, static_cast<std::size_t>(n));
    std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    std::size_t body = 0;
    for (const char* name : {"\r\nContent-Length: ", "\r\ncontent-length: "})
      if (std::size_t at = answer.find(name); at < head) body = std::strtoul(answer.c_str() + at + 18, nullptr, 10);
    if (answer.size() >= head + 4 + body) return std::atoi(answer.c_str() + 9);
  }
}

wire::WrittenSeries series_of(const Load& load, int number, int round) {
  int host = number / load.host_series;
  int within = number % load.host_series;
  // Of those that are replaced, each round has another: its pod is a new one.
  bool comes_and_goes = number % 1000 < load.replaced;
  bool counter = within % 3 != 0;
  double value =
      counter ? within * 1000.0 + round * (within % 17 + 1) : 50.0 + (number * 7919 + round * 104729) % 1000 / 37.0;
  return {.labels = {{"__name__", cat("app_", within % 40, counter ? "_requests_total" : "_queue_length")},
                     {"cluster", "bench"},
                     {"handler", cat("/api/v1/thing/", within / 40)},
                     {"instance", cat("host-", host, ":9100")},
                     {"job", "app"},
                     {"pod", comes_and_goes ? cat("p", number, "-", round) : cat("p", within)}},
          .samples = {{.milliseconds = load.at + std::int64_t{round} * load.step * 1000, .value = value}}};
}

void run(const Load& load, int connection, Done& done) {
  int socket_ = connect_to(load.port);
  int hosts = (load.series + load.host_series - 1) / load.host_series;
  for (int round = load.first_round; round < load.first_round + load.rounds; ++round) {
    std::vector<wire::WrittenSeries> body;
    auto flush = [&] {
      if (body.empty()) return;
      std::string folded = wire::snap(wire::encode_remote_write(body));
      std::string request = cat(
          "POST ", load.path, " HTTP/1.1\r\nHost: 127.0.0.1:", load.port,
          "\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: "
          "0.1.0\r\nUser-Agent: Prometheus/2.42.0\r\nContent-Length: ",
          folded.size(), "\r\n\r\n", folded);
      for (;;) {
        int status = ask(socket_, request);
        ++done.requests;
        if (status == 429 || status == 503) {
          ++done.later;
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          continue;
        }
        if (status / 100 == 2) done.samples += body.size();
        else done.failed += body.size();
        break;
      }
      body.clear();
    };
    for (int host = connection; host < hosts; host += load.connections) {
      for (int number = host * load.host_series; number < std::min(load.series, (host + 1) * load.host_series);
           ++number) {
        body.push_back(series_of(load, number, round));
        if (static_cast<int>(body.size()) == load.body) flush();
      }
    }
    flush();
  }
  close(socket_);
}

int start(const std::vector<std::string>& arguments) {
  Load load;
  std::map<std::string, int*> numbers{{"--port", &load.port},
                                      {"--series", &load.series},
                                      {"--host-series", &load.host_series},
                                      {"--body", &load.body},
                                      {"--connections", &load.connections},
                                      {"--first-round", &load.first_round},
                                      {"--rounds", &load.rounds},
                                      {"--step", &load.step},
                                      {"--replaced", &load.replaced}};
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    if (auto known = numbers.find(arguments[i]); known != numbers.end())
      *known->second = std::atoi(arguments[i + 1].c_str());
    else if (arguments[i] == "--path") load.path = arguments[i + 1];
    else if (arguments[i] == "--at") load.at = std::atoll(arguments[i + 1].c_str());
    else fail(cat("unknown argument ", arguments[i]));
  }
  if (load.port == 0 || load.at == 0) fail("--port and --at are needed");
  Done done;
  auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < load.connections; ++i) threads.emplace_back([&, i] { run(load, i, done); });
  for (std::thread& thread : threads) thread.join();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("{\"samples\": %llu, \"requests\": %llu, \"later\": %llu, \"failed\": %llu, \"seconds\": %.3f}\n",
              static_cast<unsigned long long>(done.samples), static_cast<unsigned long long>(done.requests),
              static_cast<unsigned long long>(done.later), static_cast<unsigned long long>(done.failed), seconds);
  return 0;
}

}  // namespace
}  // namespace mien

int main(int argc, char** argv) { return mien::start(std::vector<std::string>(argv + 1, argv + argc)); }
