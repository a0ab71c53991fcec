// Peers of the engine, written from their documented algorithms, for a side-by-side figure in one run
// (engine_bench.cc). They are no part of the product. Each takes one sample of one series and costs what its own design
// costs:
//   KMeans     netdata's machine learning: 18 models of two centres over 6 lagged, smoothed differences; a sample is
//              normalised and asked of every model (anomalous when all agree). Training is left out, as it is in
//              theirs.
//   Spot       Siffer et al. 2017, streaming peaks over threshold: a threshold test, and a refit of the tail when a
//              peak comes.
//   Kll        Karnin, Lang & Liberty 2016: compactors of halving sizes.
//   TDigest    Dunning & Ertl 2019, merging variant: a buffer, then one pass over sorted centroids.
//   Vpa        the autoscaler's histogram: an exponential bucket by a logarithm, a weight by an exponential decay.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace mien::peers {

struct KMeans {
  static constexpr std::size_t models = 18, lags = 6, smooth = 3;
  std::array<std::array<std::array<double, lags>, 2>, models> centre{};
  std::array<double, models> low{}, high{};
  std::array<double, lags + smooth + 1> past{};
  double last = 0;
  explicit KMeans(std::uint64_t seed) {
    for (std::size_t m = 0; m < models; ++m) {
      for (std::size_t k = 0; k < 2; ++k) {
        for (double& x : centre[m][k]) x = static_cast<double>((seed = seed * 6364136223846793005ULL + 1) >> 40) * 1e-8;
      }
      high[m] = 1;
    }
  }
  bool step(double x) {
    std::rotate(past.begin(), past.begin() + 1, past.end());
    past.back() = x;
    std::array<double, lags> feature{};
    for (std::size_t i = 0; i < lags; ++i) {
      for (std::size_t k = 0; k < smooth; ++k) feature[i] += (past[i + k + 1] - past[i + k]) / smooth;
    }
    std::size_t odd = 0;
    for (std::size_t m = 0; m < models; ++m) {
      double mean = 0;
      for (const auto& c : centre[m]) {
        double squared = 0;
        for (std::size_t i = 0; i < lags; ++i) squared += (feature[i] - c[i]) * (feature[i] - c[i]);
        mean += 0.5 * std::sqrt(squared);
      }
      odd += 100 * (mean - low[m]) / (high[m] - low[m]) > 99 ? 1 : 0;
    }
    return odd == models;
  }
};

struct Spot {
  double threshold = 0.98, alarm = 5, gamma = 0.1, sigma = 0.3;
  std::uint64_t n = 0;
  std::vector<double> peaks;
  bool step(double x) {
    ++n;
    if (x > alarm) return true;
    if (x > threshold) {
      if (peaks.size() >= 200) peaks.erase(peaks.begin());
      peaks.push_back(x - threshold);
      double mean = 0, squared = 0;  // by moments; Grimshaw's roots cost more
      for (double p : peaks) mean += p, squared += p * p;
      mean /= static_cast<double>(peaks.size());
      double variance = std::max(squared / static_cast<double>(peaks.size()) - mean * mean, 1e-12);
      gamma = 0.5 * (1 - mean * mean / variance);
      sigma = 0.5 * mean * (mean * mean / variance + 1);
      double r = 1e-4 * static_cast<double>(n) / static_cast<double>(peaks.size());
      alarm = threshold + (std::fabs(gamma) > 1e-6 ? sigma / gamma * (std::pow(r, -gamma) - 1) : -sigma * std::log(r));
    }
    return false;
  }
};

struct Kll {
  static constexpr std::size_t k = 64;
  std::vector<std::vector<float>> levels{1};
  std::uint32_t coin = 1;
  void step(double x) {
    levels[0].push_back(static_cast<float>(x));
    for (std::size_t h = 0; h < levels.size() && levels[h].size() >= k; ++h) {
      if (h + 1 == levels.size()) levels.emplace_back();
      std::sort(levels[h].begin(), levels[h].end());
      coin = coin * 1664525U + 1013904223U;
      for (std::size_t i = coin >> 31; i < levels[h].size(); i += 2) levels[h + 1].push_back(levels[h][i]);
      levels[h].clear();
    }
    if (levels.size() > 8) levels.pop_back();
  }
};

struct TDigest {
  struct Centroid {
    double mean, weight;
  };
  std::vector<Centroid> centroids;
  std::vector<double> buffer;
  void step(double x) {
    buffer.push_back(x);
    if (buffer.size() < 128) return;
    for (double value : buffer) centroids.push_back({value, 1});
    buffer.clear();
    std::sort(centroids.begin(), centroids.end(), [](const Centroid& a, const Centroid& b) { return a.mean < b.mean; });
    double total = 0, before = 0;
    for (const Centroid& c : centroids) total += c.weight;
    std::size_t kept = 0;
    for (std::size_t i = 1; i < centroids.size(); ++i) {
      double q = (before + 0.5 * (centroids[kept].weight + centroids[i].weight)) / total;
      if (centroids[kept].weight + centroids[i].weight <= 4 * total * q * (1 - q) / 100) {
        double weight = centroids[kept].weight + centroids[i].weight;
        centroids[kept].mean += (centroids[i].mean - centroids[kept].mean) * centroids[i].weight / weight;
        centroids[kept].weight = weight;
      } else {
        before += centroids[kept].weight;
        centroids[++kept] = centroids[i];
      }
    }
    centroids.resize(kept + 1);
    if (total > 60'000) {
      for (Centroid& c : centroids) c.weight *= 0.5;
    }
  }
};

struct Vpa {
  std::array<float, 176> weights{};
  double total = 0;
  void step(double x, double seconds) {
    double decay = std::exp2(std::fmod(seconds, 8640000.0) / 86400);
    double at = std::log(std::max(x, 0.01) * 5 + 1) / std::log(1.05);
    auto bucket = static_cast<std::size_t>(std::clamp(at, 0.0, 175.0));
    weights[bucket] += static_cast<float>(decay);
    total += decay;
  }
};

}  // namespace mien::peers
