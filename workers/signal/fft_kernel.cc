// SPDX-License-Identifier: Apache-2.0
// Compiled twice, see CMakeLists.txt: BERTH_KERNEL names the namespace and so the variant,
// BERTH_LANES is 4 or 8.
#include "signal/fft_kernel.h"

#define BERTH_INLINE inline __attribute__((always_inline))

namespace berth::signal::BERTH_KERNEL {
namespace {

constexpr size_t kLanes = BERTH_LANES;
constexpr size_t kElement = 2 * kLanes;  // floats of one complex element of all lanes

typedef float V __attribute__((vector_size(kLanes * sizeof(float))));
typedef int I __attribute__((vector_size(kLanes * sizeof(int))));
typedef float Unaligned
    __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float))));

struct C {
  V re, im;
};

BERTH_INLINE C load(const float* at) {
  const V* vectors = reinterpret_cast<const V*>(at);
  return {vectors[0], vectors[1]};
}

BERTH_INLINE void store(float* at, const C& value) {
  V* vectors = reinterpret_cast<V*>(at);
  vectors[0] = value.re;
  vectors[1] = value.im;
}

BERTH_INLINE C add(const C& a, const C& b) { return {a.re + b.re, a.im + b.im}; }
BERTH_INLINE C subtract(const C& a, const C& b) { return {a.re - b.re, a.im - b.im}; }
BERTH_INLINE C scaled(const C& a, float factor) { return {a.re * factor, a.im * factor}; }
/// -i * a
BERTH_INLINE C turned(const C& a) { return {a.im, -a.re}; }
BERTH_INLINE C times(const C& a, const float* w) {
  return {a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

BERTH_INLINE void butterfly(C (&x)[2]) {
  const C sum = add(x[0], x[1]);
  x[1] = subtract(x[0], x[1]);
  x[0] = sum;
}

BERTH_INLINE void butterfly(C (&x)[3]) {
  constexpr float kSine = 0.866025403784438647f;  // of 120 degrees
  const C sum = add(x[1], x[2]);
  const C middle = subtract(x[0], scaled(sum, 0.5f));
  const C side = turned(scaled(subtract(x[1], x[2]), kSine));
  x[0] = add(x[0], sum);
  x[1] = add(middle, side);
  x[2] = subtract(middle, side);
}

BERTH_INLINE void butterfly(C (&x)[4]) {
  const C even = add(x[0], x[2]), even_less = subtract(x[0], x[2]);
  const C odd = add(x[1], x[3]), odd_less = turned(subtract(x[1], x[3]));
  x[0] = add(even, odd);
  x[1] = add(even_less, odd_less);
  x[2] = subtract(even, odd);
  x[3] = subtract(even_less, odd_less);
}

BERTH_INLINE void butterfly(C (&x)[5]) {
  constexpr float kCos1 = 0.309016994374947424f, kSin1 = 0.951056516295153572f;   // 72 degrees
  constexpr float kCos2 = -0.809016994374947424f, kSin2 = 0.587785252292473129f;  // 144 degrees
  const C sum1 = add(x[1], x[4]), less1 = subtract(x[1], x[4]);
  const C sum2 = add(x[2], x[3]), less2 = subtract(x[2], x[3]);
  const C middle1 = add(x[0], add(scaled(sum1, kCos1), scaled(sum2, kCos2)));
  const C middle2 = add(x[0], add(scaled(sum1, kCos2), scaled(sum2, kCos1)));
  const C side1 = turned(add(scaled(less1, kSin1), scaled(less2, kSin2)));
  const C side2 = turned(subtract(scaled(less1, kSin2), scaled(less2, kSin1)));
  x[0] = add(x[0], add(sum1, sum2));
  x[1] = add(middle1, side1);
  x[2] = add(middle2, side2);
  x[3] = subtract(middle2, side2);
  x[4] = subtract(middle1, side1);
}

template <size_t kRadix>
BERTH_INLINE void run_pass(const FftPass& pass, const float* from, float* to) {
  const size_t jump = pass.groups * pass.stride * kElement;
  const size_t step = pass.stride * kElement;
  for (size_t group = 0; group < pass.groups; ++group) {
    const float* w = pass.twiddles + group * (kRadix - 1) * 2;
    const float* in = from + group * step;
    float* out = to + group * kRadix * step;
    for (size_t q = 0; q < step; q += kElement) {
      C x[kRadix];
      for (size_t k = 0; k < kRadix; ++k) x[k] = load(in + q + k * jump);
      butterfly(x);
      store(out + q, x[0]);
      for (size_t k = 1; k < kRadix; ++k) store(out + q + k * step, times(x[k], w + 2 * (k - 1)));
    }
  }
}

/// Any other radix, straight from the definition: radix squared multiplications.
void run_any(const FftPass& pass, const float* from, float* to) {
  const size_t radix = pass.radix, jump = pass.groups * pass.stride * kElement;
  const size_t step = pass.stride * kElement;
  for (size_t group = 0; group < pass.groups; ++group) {
    const float* w = pass.twiddles + group * (radix - 1) * 2;
    for (size_t q = 0; q < step; q += kElement) {
      const float* in = from + group * step + q;
      float* out = to + group * radix * step + q;
      for (size_t k = 0; k < radix; ++k) {
        C sum = load(in);
        for (size_t j = 1, root = k; j < radix; ++j, root += k) {
          if (root >= radix) root -= radix;
          sum = add(sum, times(load(in + j * jump), pass.roots + 2 * root));
        }
        store(out + k * step, k == 0 ? sum : times(sum, w + 2 * (k - 1)));
      }
    }
  }
}

float* transform(const FftPass* passes, size_t count, float* elements, float* other) {
  for (size_t i = 0; i < count; ++i) {
    switch (passes[i].radix) {
      case 2:
        run_pass<2>(passes[i], elements, other);
        break;
      case 3:
        run_pass<3>(passes[i], elements, other);
        break;
      case 4:
        run_pass<4>(passes[i], elements, other);
        break;
      case 5:
        run_pass<5>(passes[i], elements, other);
        break;
      default:
        run_any(passes[i], elements, other);
    }
    float* const swapped = elements;
    elements = other;
    other = swapped;
  }
  return elements;
}

/// Turns rows into columns: 8 vectors of 8, or 4 of 4.
BERTH_INLINE void transpose(V (&r)[kLanes]) {
#if BERTH_LANES == 8
  V t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  constexpr int kUpper[] = {0, 1, 4, 5};
  for (const int i : kUpper) {
    u[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    u[i + 2] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#else
  V t[4];
  for (int i = 0; i < 4; i += 2) {
    t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 4, 2, 6);
    t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 5, 3, 7);
  }
  for (int i = 0; i < 2; ++i) {
    r[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 4, 5);
    r[i + 2] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 6, 7);
  }
#endif
}

void gather(const float* samples, size_t lane_step, const float* weights, size_t length,
            float* elements) {
  constexpr size_t kAtOnce = kLanes / 2;
  size_t i = 0;
  for (; i + kAtOnce <= length; i += kAtOnce) {
    V r[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      r[lane] = *reinterpret_cast<const Unaligned*>(samples + 2 * (lane * lane_step + i));
    }
    transpose(r);
    for (size_t k = 0; k < kAtOnce; ++k) {
      store(elements + (i + k) * kElement,
            {r[2 * k] * weights[i + k], r[2 * k + 1] * weights[i + k]});
    }
  }
  for (; i < length; ++i) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float* at = samples + 2 * (lane * lane_step + i);
      elements[i * kElement + lane] = at[0] * weights[i];
      elements[i * kElement + kLanes + lane] = at[1] * weights[i];
    }
  }
}

void scatter_part(const float* elements, size_t from, size_t to, size_t place, float* const* rows) {
  constexpr size_t kAtOnce = kLanes / 2;
  size_t i = from;
  for (; i + kAtOnce <= to; i += kAtOnce, place += kAtOnce) {
    V r[kLanes];
    for (size_t k = 0; k < kAtOnce; ++k) {
      const C value = load(elements + (i + k) * kElement);
      r[2 * k] = value.re;
      r[2 * k + 1] = value.im;
    }
    transpose(r);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      *reinterpret_cast<Unaligned*>(rows[lane] + 2 * place) = r[lane];
    }
  }
  for (; i < to; ++i, ++place) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      rows[lane][2 * place] = elements[i * kElement + lane];
      rows[lane][2 * place + 1] = elements[i * kElement + kLanes + lane];
    }
  }
}

void scatter(const float* elements, size_t length, size_t shift, float* const* rows) {
  scatter_part(elements, 0, length - shift, shift, rows);
  scatter_part(elements, length - shift, length, 0, rows);
}

/// log2 of positive normal numbers to 1e-7: p = 2^e * m with m in [sqrt(1/2), sqrt(2)), and
/// ln m = 2 (t + t^3/3 + t^5/5 + t^7/7 + ...) with t = (m - 1) / (m + 1).
BERTH_INLINE V log2_of(const V& p) {
  const I bits = (I)p;
  const I exponent = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3: sqrt(1/2)
  const V m = (V)(bits - (exponent << 23));
  const V t = (m - 1.0f) / (m + 1.0f);
  const V square = t * t;
  const V series =
      1.0f + square * (1.0f / 3 + square * (1.0f / 5 + square * (1.0f / 7 + square / 9.0f)));
  constexpr float kTwoOverLn2 = 2.885390081777926815f;
  return __builtin_convertvector(exponent, V) + t * series * kTwoOverLn2;
}

BERTH_INLINE V level_of(const C& value) {
  constexpr float kSmallest = 0x1p-126f, kLargest = 0x1.fffffep127f;
  V power = value.re * value.re + value.im * value.im;
  power = power > kSmallest ? power : V{} + kSmallest;  // also NaN
  power = power < kLargest ? power : V{} + kLargest;
  return log2_of(power);
}

void levels_part(const float* elements, size_t from, size_t to, size_t place, float* const* rows) {
  size_t i = from;
  for (; i + kLanes <= to; i += kLanes, place += kLanes) {
    V r[kLanes];
    for (size_t k = 0; k < kLanes; ++k) r[k] = level_of(load(elements + (i + k) * kElement));
    transpose(r);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      *reinterpret_cast<Unaligned*>(rows[lane] + place) = r[lane];
    }
  }
  for (; i < to; ++i, ++place) {
    const V level = level_of(load(elements + i * kElement));
    for (size_t lane = 0; lane < kLanes; ++lane) rows[lane][place] = level[lane];
  }
}

void levels(const float* elements, size_t length, size_t shift, float* const* rows) {
  levels_part(elements, 0, length - shift, shift, rows);
  levels_part(elements, length - shift, length, 0, rows);
}

void multiply(float* elements, const float* factors, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    store(elements + i * kElement, times(load(elements + i * kElement), factors + 2 * i));
  }
}

void swap_parts(float* elements, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    const C value = load(elements + i * kElement);
    store(elements + i * kElement, {value.im, value.re});
  }
}

void accumulate(const float* row, float weight, size_t length, float* sum) {
  size_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    Unaligned* to = reinterpret_cast<Unaligned*>(sum + i);
    *to += weight * *reinterpret_cast<const Unaligned*>(row + i);
  }
  for (; i < length; ++i) sum[i] += weight * row[i];
}

void range(const float* values, size_t count, float* low, float* high) {
  constexpr float kSilence = -126, kNone = 1e30f;
  V least = V{} + *low, most = V{} + *high;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V value = *reinterpret_cast<const Unaligned*>(values + i);
    const V heard = value > kSilence ? value : V{} + kNone;
    least = heard < least ? heard : least;
    most = value > most ? value : most;
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    if (least[lane] < *low) *low = least[lane];
    if (most[lane] > *high) *high = most[lane];
  }
  for (; i < count; ++i) {
    if (values[i] > kSilence && values[i] < *low) *low = values[i];
    if (values[i] > *high) *high = values[i];
  }
}

}  // namespace

#define BERTH_TEXT_(name) #name
#define BERTH_TEXT(name) BERTH_TEXT_(name)

extern const Kernels kKernels;
const Kernels kKernels = {BERTH_TEXT(BERTH_KERNEL),
                          kLanes,
                          gather,
                          transform,
                          scatter,
                          levels,
                          multiply,
                          swap_parts,
                          accumulate,
                          range};

}  // namespace berth::signal::BERTH_KERNEL
