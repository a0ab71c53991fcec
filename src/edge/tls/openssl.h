// OpenSSL's objects as owned values, and its error queue as words. For the adapters that speak to OpenSSL only.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mien::edge {

template <auto free_function>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
template <class T, auto free_function>
using OpensslPointer = std::unique_ptr<T, OpensslFree<free_function>>;

using Certificate = OpensslPointer<X509, ::X509_free>;
using PrivateKey = OpensslPointer<EVP_PKEY, ::EVP_PKEY_free>;

// What OpenSSL last complained about, and empties its queue.
[[nodiscard]] std::string openssl_words();
// All certificates in a PEM text. Errors: invalid when there is none.
[[nodiscard]] Result<std::vector<Certificate>> read_certificates(std::string_view pem);

}  // namespace mien::edge
