#include "edge/sense/address.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "base/text.h"

namespace mien::edge {
namespace {

constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::string address_text(const unsigned char (&address)[16], unsigned family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const unsigned char* bytes = address;
  bool is_mapped = family == 6 && std::memcmp(address, mapped.data(), mapped.size()) == 0;
  if (is_mapped) bytes += mapped.size();
  if (family != 4 && family != 6) return {};
  int kind = family == 4 || is_mapped ? AF_INET : AF_INET6;
  return ::inet_ntop(kind, bytes, text.data(), text.size()) == nullptr ? std::string{} : std::string(text.data());
}

std::string endpoint_text(const unsigned char (&address)[16], unsigned family, std::uint16_t port) {
  std::string text = address_text(address, family);
  if (text.find(':') != std::string::npos) text = cat("[", text, "]");
  return cat(text, ":", port);
}

}  // namespace mien::edge
