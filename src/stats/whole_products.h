// Sums of products of 16-bit whole numbers, eight at a time: exact, so their order does not matter and the bytes are
// the same everywhere. For stats::RelationView.
//
// On x86 in SSE2, which every such processor has; elsewhere in plain loops.
#pragma once

#include <array>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace mien::stats {

constexpr std::size_t most_products = 32;
using Steps = std::array<std::int16_t, most_products>;
using Eights = std::array<std::array<std::int16_t, 8>, most_products>;

#ifdef __SSE2__

namespace detail {

inline __m128i eight(const std::int16_t* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

// The four sums of four vectors of four.
inline __m128i sums_of(__m128i a, __m128i b, __m128i c, __m128i d) {
  __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
  __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
  return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}

// Row `row` of the triangle by `q`, as four partial sums. A row's last eight may hold entries of the next one: q is
// masked there.
inline __m128i row_product(const std::int16_t* triangle, std::size_t row, const __m128i* q) {
  const std::int16_t* entries = triangle + row * (row + 1) / 2;
  __m128i sum = _mm_setzero_si128();
  for (std::size_t v = 0; v < row / 8; ++v) sum = _mm_add_epi32(sum, _mm_madd_epi16(eight(entries + 8 * v), q[v]));
  __m128i mine =
      _mm_cmpgt_epi16(_mm_set1_epi16(static_cast<std::int16_t>(row % 8 + 1)), _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7));
  __m128i last = _mm_and_si128(q[row / 8], mine);
  return _mm_add_epi32(sum, _mm_madd_epi16(eight(entries + row / 8 * 8), last));
}

}  // namespace detail

// The squared length of T q. T is a lower triangle by rows, its diagonal in it, `size` rows and then 8 entries that may
// be read. Sums must stay below 2^31.
[[nodiscard]] inline float squared_triangle_product(const std::int16_t* triangle, const Steps& q, std::size_t size) {
  __m128i by[most_products / 8];
  for (std::size_t v = 0; v < most_products / 8; ++v) by[v] = detail::eight(q.data() + 8 * v);
  __m128 squared = _mm_setzero_ps();
  for (std::size_t row = 0; row < size; row += 4) {
    __m128i parts[4];
    for (std::size_t i = 0; i < 4; ++i)
      parts[i] = row + i < size ? detail::row_product(triangle, row + i, by) : _mm_setzero_si128();
    __m128 y = _mm_cvtepi32_ps(detail::sums_of(parts[0], parts[1], parts[2], parts[3]));
    squared = _mm_add_ps(squared, _mm_mul_ps(y, y));
  }
  alignas(16) float part[4];
  _mm_store_ps(part, squared);
  return (part[0] + part[1]) + (part[2] + part[3]);
}

// The products of row `row` with each row before it.
inline void whole_products(const Eights& rows, std::size_t row, std::array<std::int32_t, most_products>& out) {
  __m128i own = detail::eight(rows[row].data());
  auto product = [&](std::size_t j) { return _mm_madd_epi16(own, detail::eight(rows[j].data())); };
  for (std::size_t j = 0; j < row; j += 4) {
    __m128i four = detail::sums_of(product(j), product(j + 1), product(j + 2), product(j + 3));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.data() + j), four);
  }
}

#else

[[nodiscard]] inline float squared_triangle_product(const std::int16_t* triangle, const Steps& q, std::size_t size) {
  std::array<float, 4> part{};
  for (std::size_t row = 0; row < size; ++row) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i <= row; ++i) sum += *triangle++ * q[i];
    auto y = static_cast<float>(sum);
    part[row % 4] += y * y;
  }
  return (part[0] + part[1]) + (part[2] + part[3]);
}

inline void whole_products(const Eights& rows, std::size_t row, std::array<std::int32_t, most_products>& out) {
  for (std::size_t j = 0; j < row; ++j) {
    out[j] = 0;
    for (std::size_t k = 0; k < 8; ++k) out[j] += rows[row][k] * rows[j][k];
  }
}

#endif

}  // namespace mien::stats
