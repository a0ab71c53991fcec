#include "edge/crypto/crypto.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "edge/replace_file.h"

namespace mien::edge {

namespace {

constexpr std::size_t public_key_size = 32;
constexpr std::size_t signature_size = 64;
constexpr off_t largest_key_file = 16 * 1024;

Error make_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

Error system_failure(std::string_view doing, const std::string& path) {
  const int number = errno;
  return make_error(number == ENOSPC || number == EDQUOT ? Code::exhausted
                    : number == ENOENT                   ? Code::not_found
                                                         : Code::io,
                    cat("cannot ", doing, ": ", std::strerror(number)), path);
}

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Pem = std::unique_ptr<BIO, decltype(&BIO_free)>;

Result<std::string> pem_of(EVP_PKEY* key, const std::string& path) {
  const Pem bio{BIO_new(BIO_s_mem()), &BIO_free};
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return make_error(Code::io, "OpenSSL cannot write a new signing key", path);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

store::Hash sha256(std::string_view bytes) {
  store::Hash hash{};
  SHA256(octets(bytes), bytes.size(), hash.data());
  return hash;
}

std::string sha256_hex(std::string_view bytes) {
  const store::Hash hash = sha256(bytes);
  return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) == 1);
  return bytes;
}

std::string random_token() { return to_hex(random_bytes(32)); }

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  unsigned length = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(bytes), bytes.size(),
             reinterpret_cast<unsigned char*>(mac.data()), &length) != nullptr &&
        length == mac.size());
  return mac;
}

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a zero
  int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), octets(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), octets(text), static_cast<int>(text.size())) < 0)
    return std::nullopt;
  // The padding stands for no bytes, which EVP_DecodeBlock does not know.
  for (std::size_t i = 0; i < 2 && text.ends_with('='); ++i) {
    text.remove_suffix(1);
    bytes.pop_back();
  }
  return bytes;
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr && EVP_DigestInit_ex(context_of(context_), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(context_of(context_)); }
void Sha256Stream::add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1);
}
store::Hash Sha256Stream::finish() {
  store::Hash hash{};
  CHECK(EVP_DigestFinal_ex(context_of(context_), hash.data(), nullptr) == 1);
  return hash;
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem, const std::string& path) {
  const Pem bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
  char no_passphrase[] = "";
  const std::shared_ptr<EVP_PKEY> key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_passphrase),
                                      &EVP_PKEY_free};
  std::string public_key(public_key_size, '\0');
  std::size_t size = public_key.size();
  if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(public_key.data()), &size) != 1)
    return make_error(Code::corrupt,
                      "there is no Ed25519 private key in it: restore it from a backup (`mien restore FILE`); a new "
                      "key cannot sign for the old audit",
                      path);
  return SigningKey{key, std::move(public_key)};
}

Result<SigningKey> SigningKey::load(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return system_failure("open the signing key", path);
  struct stat info {};
  std::string pem;
  bool whole = ::fstat(fd, &info) == 0 && info.st_size <= largest_key_file;
  if (whole) {
    pem.resize(static_cast<std::size_t>(info.st_size));
    whole = ::read(fd, pem.data(), pem.size()) == info.st_size;
  }
  ::close(fd);
  if ((info.st_mode & 077) != 0)
    return make_error(Code::refused,
                      cat("others may read this signing key: `chmod 600 ", path, "`, and if they did, replace it"),
                      path);
  if (!whole) return make_error(Code::corrupt, "this is not a signing key", path);
  auto key = from_pem(pem, path);
  OPENSSL_cleanse(pem.data(), pem.size());
  return key;
}

Result<SigningKey> SigningKey::load_or_make(const std::string& path) {
  if (auto known = load(path); known.ok() || known.error().code != Code::not_found) return known;
  const std::shared_ptr<EVP_PKEY> key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free};
  if (!key) return make_error(Code::io, "OpenSSL cannot make an Ed25519 key", path);
  std::string pem = TRY(pem_of(key.get(), path));
  Status written = replace_file(path, pem);
  OPENSSL_cleanse(pem.data(), pem.size());
  if (!written) return std::move(written).error();
  return load(path);
}

std::string SigningKey::sign(std::string_view bytes) const {
  const Context context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  std::string signature(signature_size, '\0');
  std::size_t size = signature.size();
  CHECK(context &&
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, static_cast<EVP_PKEY*>(key_.get())) == 1);
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, octets(bytes),
                       bytes.size()) == 1);
  return signature;
}

bool verify_ed25519(std::string_view public_key, std::string_view bytes, std::string_view signature) {
  if (public_key.size() != public_key_size || signature.size() != signature_size) return false;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(public_key), public_key.size()), &EVP_PKEY_free};
  const Context context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  if (!key || !context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(bytes), bytes.size()) == 1;
}

}  // namespace mien::edge
