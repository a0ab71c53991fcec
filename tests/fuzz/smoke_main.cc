// Runs a fuzz target without a fuzzer: every file of its corpus, then mutations of them from a fixed seed.
// Usage: NAME_fuzz [CORPUS_DIRECTORY]. Finds less than ./dev fuzz does; keeps the target building and the corpus
// passing.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int mutations = 4000;
constexpr std::size_t max_size = 65536;

// The input stands in its own allocation of exactly its size, so that AddressSanitizer sees a read past its end.
void run(const std::string& bytes) {
  std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  input.shrink_to_fit();
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::vector<std::string> read_corpus(const char* directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

char random_byte(mien::Prng& prng) {
  using namespace std::string_view_literals;
  constexpr std::string_view telling = "\0\x7f\x80\xff\n\"{}[],:-09aZ"sv;
  return prng.chance(0.5) ? telling[prng.below(telling.size())] : static_cast<char>(prng.below(256));
}

// One small change: overwrite, insert, remove or repeat a stretch, or splice with another input.
void mutate(std::string& bytes, const std::vector<std::string>& corpus, mien::Prng& prng) {
  const std::size_t at = prng.below(bytes.size() + 1);
  const std::size_t length = std::min<std::size_t>(1 + prng.below(8), bytes.size() - at);
  switch (prng.below(5)) {
    case 0:
      for (std::size_t i = 0; i < length; ++i) bytes[at + i] = random_byte(prng);
      break;
    case 1: bytes.insert(at, 1, random_byte(prng)); break;
    case 2: bytes.erase(at, length); break;
    case 3: bytes.insert(at, bytes.substr(at, std::min<std::size_t>(prng.below(64), max_size))); break;
    default: {
      const std::string& other = corpus[prng.below(corpus.size())];
      bytes.replace(at, bytes.size() - at, other.substr(std::min(at, other.size())));
    }
  }
  if (bytes.size() > max_size) bytes.resize(max_size);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus = argc > 1 ? read_corpus(argv[1]) : std::vector<std::string>{};
  corpus.emplace_back();
  for (const std::string& input : corpus) run(input);

  mien::Prng prng(1);
  for (int i = 0; i < mutations; ++i) {
    std::string input = corpus[prng.below(corpus.size())];
    for (std::uint64_t step = 0, steps = 1 + prng.below(6); step < steps; ++step) mutate(input, corpus, prng);
    run(input);
  }
  std::printf("%zu inputs and %d mutations\n", corpus.size(), mutations);
  return 0;
}
