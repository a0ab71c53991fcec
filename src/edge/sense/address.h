// Addresses as facts write them: "10.0.0.1:5432", "[2001:db8::1]:443"; an IPv4 address inside an IPv6 one is IPv4.
#pragma once

#include <cstdint>
#include <string>

namespace mien::edge {

// `family` is 4 (the first four bytes) or 6 (all sixteen); others give an empty text.
[[nodiscard]] std::string address_text(const unsigned char (&address)[16], unsigned family);
[[nodiscard]] std::string endpoint_text(const unsigned char (&address)[16], unsigned family, std::uint16_t port);

}  // namespace mien::edge
