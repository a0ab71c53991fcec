#include "edge/tls/openssl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

namespace mien::edge {

std::string openssl_words() {
  std::string words;
  while (unsigned long number = ::ERR_get_error()) {
    std::array<char, 256> text{};
    ::ERR_error_string_n(number, text.data(), text.size());
    if (!words.empty()) words += "; ";
    words += text.data();
  }
  return words.empty() ? "OpenSSL gave no reason" : words;
}

Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  OpensslPointer<BIO, ::BIO_free_all> bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> found;
  while (X509* next = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) found.emplace_back(next);
  ::ERR_clear_error();
  if (found.empty())
    return Error{.code = Code::invalid,
                 .message = "this is no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
                 .where = {},
                 .cause = {}};
  return found;
}

}  // namespace mien::edge
