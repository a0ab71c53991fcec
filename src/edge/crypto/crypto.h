// SHA-256, Ed25519 and random bytes, all OpenSSL's: what the store's seams, tokens and signed audit heads need.
// Threads: everything here may be called from any thread; a SigningKey is immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/ledger.h"

namespace mien::edge {

// For the seams that take a store::Sha256.
[[nodiscard]] store::Hash sha256(std::string_view bytes);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

// From the kernel's generator through OpenSSL; ends the program when there is no randomness to be had.
[[nodiscard]] std::string random_bytes(std::size_t count);
// 256 random bits in hex: a secret to hand out. Only its sha256_hex is stored.
[[nodiscard]] std::string random_token();
// Takes as long whatever the first difference is.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

// HMAC-SHA256 (RFC 2104): 32 bytes.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);

// RFC 4648, with padding. Nothing where the text is no base64.
[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

// SHA-256 piece by piece, for what does not fit in memory.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void add(std::string_view bytes);
  [[nodiscard]] store::Hash finish();

 private:
  void* context_;
};

// The key that signs audit heads: Ed25519, PEM (PKCS#8), mode 0600.
class SigningKey {
 public:
  // Reads the file, or makes a key and the file (whole or not at all) where there is none.
  // Errors: refused (others may read the file: says how to mend it), corrupt (no Ed25519 key in it), io.
  static Result<SigningKey> load_or_make(const std::string& path);
  static Result<SigningKey> load(const std::string& path);

  [[nodiscard]] std::string sign(std::string_view bytes) const;                // 64 bytes
  [[nodiscard]] const std::string& public_key() const { return public_key_; }  // 32 bytes

 private:
  SigningKey(std::shared_ptr<void> key, std::string public_key)
      : key_(std::move(key)), public_key_(std::move(public_key)) {}
  static Result<SigningKey> from_pem(std::string_view pem, const std::string& path);
  std::shared_ptr<void> key_;  // EVP_PKEY
  std::string public_key_;
};

// Whether `signature` over `bytes` was made by the holder of `public_key` (32 raw bytes). Any bytes may be given.
[[nodiscard]] bool verify_ed25519(std::string_view public_key, std::string_view bytes, std::string_view signature);

}  // namespace mien::edge
