// The bins of sixteen statistics at once, as bytes: 0 for one below 0 (silent), else 1 + tail::bin_of. And what is done
// with them for each sample: the largest of a block, and which have reached their mark.
//
// On x86 in SSE2, which every such processor has; elsewhere in plain loops with the same bytes.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "stats/tail.h"

namespace mien::stats {

constexpr std::size_t rung_slots = 16;
using Rungs16 = std::array<std::uint8_t, rung_slots>;

#ifdef __SSE2__

namespace detail {

struct Steps {
  __m128i bins;    // of four values, 32 bits, not yet bounded
  __m128i silent;  // all ones where the value is below 0
};

inline Steps steps_of(const float* u) {
  __m128i bits = _mm_castps_si128(_mm_loadu_ps(u));
  __m128i mantissa = _mm_and_si128(bits, _mm_set1_epi32(0x7fffff));
  __m128i exponent = _mm_sub_epi32(_mm_srai_epi32(bits, 23), _mm_set1_epi32(123));
  __m128i steps = _mm_add_epi32(_mm_add_epi32(exponent, exponent), exponent);
  // A comparison that holds is -1.
  steps = _mm_sub_epi32(steps, _mm_cmpgt_epi32(mantissa, _mm_set1_epi32(static_cast<int>(tail::thirds[1]) - 1)));
  steps = _mm_sub_epi32(steps, _mm_cmpgt_epi32(mantissa, _mm_set1_epi32(static_cast<int>(tail::thirds[2]) - 1)));
  return {.bins = _mm_srai_epi32(steps, 1), .silent = _mm_srai_epi32(bits, 31)};
}

inline __m128i eight_of(const float* u) {
  Steps low = steps_of(u);
  Steps high = steps_of(u + 4);
  __m128i bins = _mm_packs_epi32(low.bins, high.bins);
  bins = _mm_min_epi16(_mm_max_epi16(bins, _mm_setzero_si128()), _mm_set1_epi16(tail::bins - 1));
  __m128i rungs = _mm_add_epi16(bins, _mm_set1_epi16(1));
  return _mm_andnot_si128(_mm_packs_epi32(low.silent, high.silent), rungs);
}

inline __m128i load(const Rungs16& bytes) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data())); }
inline void save(Rungs16& bytes, __m128i value) { _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes.data()), value); }

}  // namespace detail

[[nodiscard]] inline Rungs16 rungs_of(const std::array<float, rung_slots>& u) {
  Rungs16 rungs;
  detail::save(rungs, _mm_packus_epi16(detail::eight_of(u.data()), detail::eight_of(u.data() + 8)));
  return rungs;
}

// Raises each of `largest` to the rung of now.
inline void raise(Rungs16& largest, const Rungs16& rungs) {
  detail::save(largest, _mm_max_epu8(detail::load(largest), detail::load(rungs)));
}

// A bit for each rung that is at or above its mark.
[[nodiscard]] inline std::uint32_t reached(const Rungs16& rungs, const Rungs16& marks) {
  __m128i now = detail::load(rungs);
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(now, detail::load(marks)), now)));
}

#else

[[nodiscard]] inline Rungs16 rungs_of(const std::array<float, rung_slots>& u) {
  Rungs16 rungs{};
  for (std::size_t i = 0; i < u.size(); ++i)
    if (!(u[i] < 0)) rungs[i] = static_cast<std::uint8_t>(tail::bin_of(u[i]) + 1);
  return rungs;
}

inline void raise(Rungs16& largest, const Rungs16& rungs) {
  for (std::size_t i = 0; i < rungs.size(); ++i)
    if (rungs[i] > largest[i]) largest[i] = rungs[i];
}

[[nodiscard]] inline std::uint32_t reached(const Rungs16& rungs, const Rungs16& marks) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < rungs.size(); ++i) bits |= (rungs[i] >= marks[i] ? 1U : 0U) << i;
  return bits;
}

#endif

}  // namespace mien::stats
