#include "edge/tls/authority.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/http/url.h"
#include "edge/replace_file.h"
#include "edge/tls/openssl.h"

namespace mien::edge {
namespace {

// Clocks of agents may run behind ours.
constexpr Duration backdated = 24h;

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Error openssl_failure(std::string_view doing) {
  return failure(Code::io, cat("OpenSSL could not ", doing, ": ", openssl_words()));
}

using Bio = OpensslPointer<BIO, ::BIO_free_all>;

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  long size = ::BIO_ctrl(bio, BIO_CTRL_INFO, 0, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  Bio bio(::BIO_new(::BIO_s_mem()));
  CHECK(::PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  Bio bio(::BIO_new(::BIO_s_mem()));
  CHECK(::PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

Result<PrivateKey> read_key(const std::string& pem, const std::string& path) {
  Bio bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PrivateKey key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return failure(Code::corrupt, cat(path, " holds no private key: ", openssl_words()));
  return key;
}

Result<PrivateKey> make_key() {
  PrivateKey key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!key) return openssl_failure("make a key");
  return key;
}

struct Extension {
  int id;
  std::string value;
};

struct Wanted {
  std::string common_name;
  Duration lifetime{};
  std::vector<Extension> extensions;
};

bool add_extension(X509* certificate, X509* issuer, const Extension& extension) {
  X509V3_CTX context{};
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  OpensslPointer<X509_EXTENSION, ::X509_EXTENSION_free> made(
      ::X509V3_EXT_conf_nid(nullptr, &context, extension.id, extension.value.c_str()));
  return made && ::X509_add_ext(certificate, made.get(), -1) == 1;
}

void set_time(ASN1_TIME* field, WallTime at) {
  ::ASN1_TIME_set(field, static_cast<std::time_t>(at.ns / 1'000'000'000));
}

// A certificate for `key`, signed by the issuer; issuer == nullptr: self-signed.
Result<Certificate> make_certificate(const Wanted& wanted, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                                     WallTime now) {
  Certificate certificate(::X509_new());
  X509* raw = certificate.get();
  ::X509_set_version(raw, X509_VERSION_3);
  std::string serial = random_bytes(16);
  serial.front() = static_cast<char>(static_cast<unsigned char>(serial.front()) & 0x7fU);
  OpensslPointer<BIGNUM, ::BN_free> number(
      ::BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), static_cast<int>(serial.size()), nullptr));
  ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(raw));
  set_time(::X509_getm_notBefore(raw), now - backdated);
  set_time(::X509_getm_notAfter(raw), now + wanted.lifetime);
  ::X509_set_pubkey(raw, key);
  // A common name holds 64 characters; what is checked are the alternative names.
  std::string name = wanted.common_name.substr(0, 64);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  ::X509_set_issuer_name(raw, ::X509_get_subject_name(issuer != nullptr ? issuer : raw));
  for (const Extension& extension : wanted.extensions)
    if (!add_extension(raw, issuer != nullptr ? issuer : raw, extension))
      return failure(Code::invalid, cat("'", extension.value, "' can not stand in a certificate: ", openssl_words()));
  if (::X509_sign(raw, issuer_key, ::EVP_sha256()) == 0) return openssl_failure("sign a certificate");
  return certificate;
}

// Nothing when the file is not there.
Result<std::optional<std::string>> read_secret(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return failure(Code::io, cat("cannot read ", path, ": ", std::strerror(errno)));
  }
  if ((status.st_mode & 077U) != 0)
    return failure(Code::refused,
                   cat(path, " can be read by others than its owner: find out who did, then `chmod 600 ", path, "`"));
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (!file) return failure(Code::io, cat("cannot read ", path));
  return std::optional<std::string>(bytes.str());
}

Duration left_to_live(X509* certificate, WallTime now) {
  std::time_t seconds = static_cast<std::time_t>(now.ns / 1'000'000'000);
  OpensslPointer<ASN1_TIME, ::ASN1_TIME_free> at(::ASN1_TIME_set(nullptr, seconds));
  int days = 0;
  int rest = 0;
  if (::ASN1_TIME_diff(&days, &rest, at.get(), ::X509_get0_notAfter(certificate)) != 1) return Duration{0};
  return 24h * days + 1s * rest;
}

bool names_all(X509* certificate, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_ip_address(name) ? ::X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                               : ::X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
  });
}

}  // namespace

Result<Authority> Authority::load_or_make(const std::string& keys_directory, WallTime now) {
  std::error_code failed;
  if (std::filesystem::create_directories(keys_directory, failed)) ::chmod(keys_directory.c_str(), 0700);
  if (failed) return failure(Code::io, cat("cannot make ", keys_directory, ": ", failed.message()));
  std::string certificate_path = keys_directory + "/ca.pem";
  std::string key_path = keys_directory + "/ca.key";
  auto certificate_pem = TRY(read_secret(certificate_path));
  auto key_pem = TRY(read_secret(key_path));
  Authority authority;
  authority.keys_directory_ = keys_directory;
  if (certificate_pem) {
    if (!key_pem)
      return failure(Code::corrupt,
                     cat(certificate_path, " is there but its key ", key_path,
                         " is not: restore both from a backup, or remove both and enrol every agent again"));
    auto certificates = read_certificates(*certificate_pem);
    if (!certificates) return failure(Code::corrupt, cat(certificate_path, ": ", certificates.error().message));
    PrivateKey key = TRY(read_key(*key_pem, key_path));
    X509* certificate = certificates->front().get();
    if (::X509_check_private_key(certificate, key.get()) != 1)
      return failure(Code::corrupt,
                     cat(certificate_path, " and ", key_path, " do not belong together: restore both from a backup"));
    if (left_to_live(certificate, now) <= Duration{0})
      return failure(Code::refused, cat("the certificate authority ", certificate_path,
                                        " has expired: check this machine's clock; if it is right, remove ",
                                        certificate_path, " and ", key_path, " and enrol every agent again"));
    authority.certificate_pem_ = std::move(*certificate_pem);
    authority.key_pem_ = std::move(*key_pem);
    return authority;
  }
  // A key without its certificate is a first start that was cut off: nobody has seen that authority yet.
  PrivateKey key = TRY(make_key());
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  Wanted wanted{.common_name = cat("Mien CA of ", host.data()),
                .lifetime = lifetime,
                .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                               {NID_key_usage, "critical,keyCertSign,cRLSign"},
                               {NID_subject_key_identifier, "hash"}}};
  Certificate certificate = TRY(make_certificate(wanted, key.get(), nullptr, key.get(), now));
  authority.certificate_pem_ = to_pem(certificate.get());
  authority.key_pem_ = to_pem(key.get());
  if (Status written = replace_file(key_path, authority.key_pem_); !written) return std::move(written).error();
  if (Status written = replace_file(certificate_path, authority.certificate_pem_); !written)
    return std::move(written).error();
  return authority;
}

std::string Authority::fingerprint() const { return ca_fingerprint(certificate_pem_).value(); }

Result<TlsIdentity> Authority::server_identity(const std::vector<std::string>& names, WallTime now) const {
  std::vector<std::string> all;
  for (const std::string& name : names)
    if (std::find(all.begin(), all.end(), name) == all.end() && name != "0.0.0.0" && name != "::") all.push_back(name);
  for (const char* local : {"localhost", "127.0.0.1", "::1"})
    if (std::find(all.begin(), all.end(), local) == all.end()) all.emplace_back(local);
  std::string certificate_path = keys_directory_ + "/server.pem";
  std::string key_path = keys_directory_ + "/server.key";

  X509* issuer = nullptr;
  auto issuers = TRY(read_certificates(certificate_pem_));
  issuer = issuers.front().get();
  auto certificate_pem = TRY(read_secret(certificate_path));
  auto key_pem = TRY(read_secret(key_path));
  if (certificate_pem && key_pem) {
    auto present = read_certificates(*certificate_pem);
    auto key = read_key(*key_pem, key_path);
    bool good = present && key && ::X509_check_private_key(present->front().get(), key->get()) == 1 &&
                ::X509_verify(present->front().get(), ::X509_get0_pubkey(issuer)) == 1 &&
                names_all(present->front().get(), all) && left_to_live(present->front().get(), now) > renew_before;
    if (good) return TlsIdentity{.certificate_pem = std::move(*certificate_pem), .key_pem = std::move(*key_pem)};
  }
  std::string alternatives;
  for (const std::string& name : all) {
    if (name.find_first_of(",;\n") != std::string::npos || name.empty())
      return failure(Code::invalid, cat("'", name, "' is no name for a server: write a host name or an IP address"));
    alternatives += cat(alternatives.empty() ? "" : ",", is_ip_address(name) ? "IP:" : "DNS:", name);
  }
  PrivateKey issuer_key = TRY(read_key(key_pem_, keys_directory_ + "/ca.key"));
  PrivateKey key = TRY(make_key());
  Duration life = std::min(server_lifetime, left_to_live(issuer, now));  // never outlives its authority
  Wanted wanted{.common_name = all.front(),
                .lifetime = life,
                .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                               {NID_key_usage, "critical,digitalSignature"},
                               {NID_ext_key_usage, "serverAuth"},
                               {NID_authority_key_identifier, "keyid"},
                               {NID_subject_alt_name, alternatives}}};
  Certificate certificate = TRY(make_certificate(wanted, key.get(), issuer, issuer_key.get(), now));
  TlsIdentity identity{.certificate_pem = to_pem(certificate.get()), .key_pem = to_pem(key.get())};
  if (Status written = replace_file(key_path, identity.key_pem); !written) return std::move(written).error();
  if (Status written = replace_file(certificate_path, identity.certificate_pem); !written)
    return std::move(written).error();
  return identity;
}

Result<std::string> ca_fingerprint(std::string_view ca_pem) {
  auto certificates = TRY(read_certificates(ca_pem));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (::X509_digest(certificates.front().get(), ::EVP_sha256(), digest.data(), &size) != 1)
    return openssl_failure("hash a certificate");
  return cat("sha256:", to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size)));
}

Result<std::string> fetch_authority(const std::string& url, std::string_view fingerprint, Duration timeout) {
  std::string wanted;  // openssl prints "AB:CD:..."; both spellings are taken
  std::string given = to_lower(fingerprint.substr(0, 7) == "sha256:" ? fingerprint.substr(7) : fingerprint);
  for (char c : given)
    if (c != ':') wanted.push_back(c);
  if (wanted.size() != 64 || !parse_hex(wanted))
    return failure(
        Code::invalid,
        "the CA fingerprint must be sha256: and 64 hex digits: copy the whole line that `mien enroll` printed");
  auto client = HttpClient::make(HttpTarget{.url = url, .fetch_ca_only = true});
  auto answer = client->send(HttpRequest{.method = "GET", .path = "/api/v1/ca"}, timeout);
  if (!answer) return std::move(answer).error().within(cat("fetching the certificate authority of ", url));
  if (answer->status != 200)
    return failure(Code::refused,
                   cat(url, " gives no certificate authority (status ", answer->status, "): is that a Mien manager?"));
  auto found = ca_fingerprint(answer->body);
  if (!found)
    return std::move(found).error().within(cat(url, " answered with something else than a certificate authority"));
  if (*found != cat("sha256:", wanted))
    return failure(
        Code::refused,
        cat(url, " is not the manager that the join line was made for: its authority is ", *found,
            ", the line says sha256:", wanted,
            "; make a new line with `mien enroll` there, and if it differs again somebody stands in between"));
  return std::move(answer->body);
}

}  // namespace mien::edge
