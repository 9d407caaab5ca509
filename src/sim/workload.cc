// SPDX-License-Identifier: Apache-2.0
#include "sim/workload.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "sim/random.h"

namespace berth::sim {

namespace {

constexpr double kDay = 86'400'000;
constexpr double kLongest = 50 * kDay;  // longer ones would decide about the whole run (our choice)

// ---- the traces ----
//
// Helios (Hu et al., SC 2021), the summary of all four clusters in the artifact of the paper
// (S-Lab-System-Group/HeliosArtifact, helios_cluster_summary.csv): 1,580,464 GPU jobs; 3.716 GPUs
// on average, 1 in the median; they run 6,652 s on average, 206 s in the median; 78.0e9 s of GPU
// time, that is 49,352 s per job, twice what sizes and durations would give if they were
// independent: large jobs run longer. 62.4 % completed, 22.1 % cancelled, 15.5 % failed. The shares
// of the sizes are ours, so that mean and median are met; median, growth and sigma solve for the
// other three figures.
//
// Philly (Jeon et al., ATC 2019) as the generator of Gavel models it (Narayanan et al., OSDI 2020:
// "the Philly distribution"): 70 % of the jobs on 1 GPU, 10 % on 2, 15 % on 4, 5 % on 8; 10^x
// minutes, x uniform in 1.5..3 for 80 % of them and in 3..4 for the others.
//
// PAI (Weng et al., NSDI 2022): over 1,300 users; GPUs are shared. How much: in the trace of 2023
// of the same platform (openb_pod_list_default.csv, Weng et al., ATC 2023) a running pod holds
// 0.809 GPUs on average and 28.3 % of the jobs with a GPU ask for a part of one. Durations and
// endings are those of Helios: the trace of 2020 has them per instance, not per job.
//
// Not from a trace: which part of a device a sharing task wants (a mean of a third of it follows
// from the two figures above), kinds, who submits how much (Zipf's law), and how busy a task keeps
// its device.
constexpr double kHeliosMedian = 153.6, kHeliosGrowth = 0.463, kHeliosSigma = 2.624;

constexpr double kParts[] = {0.125, 0.25, 0.25, 0.5, 0.5};  // mean 0.325

std::int64_t draw_duration(const Profile& profile, int gpus, Random& random) {
  double ms = 0;
  if (profile.sigma > 0) {
    const double median = profile.median_s * std::pow(gpus, profile.growth);
    ms = 1000.0 * median * std::exp(profile.sigma * random.normal());
  } else {
    const bool is_long = random.happens(0.2);
    ms = 60'000.0 * std::pow(10.0, is_long ? random.uniform(3, 4) : random.uniform(1.5, 3));
  }
  return std::max<std::int64_t>(1000, std::llround(std::min(ms, kLongest)));
}

int draw_size(const Profile& profile, Random& random) {
  double left = random.uniform();
  for (const SizeShare& size : profile.sizes) {
    left -= size.share;
    if (left < 0) return size.gpus;
  }
  return profile.sizes.back().gpus;
}

// User 0 submits the most, user k one (k+1)-th of that.
class Users {
 public:
  explicit Users(int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) upto_.push_back(sum += 1.0 / (i + 1));
  }
  int draw(Random& random) const {
    const double point = random.uniform() * upto_.back();
    const auto found = std::upper_bound(upto_.begin(), upto_.end(), point);
    return static_cast<int>(std::min<std::ptrdiff_t>(
        found - upto_.begin(), static_cast<std::ptrdiff_t>(upto_.size()) - 1));
  }

 private:
  std::vector<double> upto_;
};

Job draw_job(const Profile& profile, const Users& users, const Fleet& fleet, int largest,
             Random& random) {
  Job job;
  job.gpus = std::min(draw_size(profile, random), largest);
  job.duration_ms = draw_duration(profile, job.gpus, random);
  job.user = users.draw(random);
  const double end = random.uniform();
  job.ending = end < profile.completed                    ? Ending::kCompleted
               : end < profile.completed + profile.failed ? Ending::kFailed
                                                          : Ending::kCancelled;
  job.utilization = static_cast<std::uint8_t>(random.uniform(20, 100));
  const bool shares = job.gpus == 1 && random.happens(profile.sharing);
  const double part = kParts[random.next() % std::size(kParts)];
  const auto kind = random.next() % 4;
  if (!shares) return job;  // a program on whole devices
  constexpr std::int64_t kMib = 1LL << 20;
  const auto bytes = static_cast<double>(fleet.smallest.value) * part;
  job.memory = base::Bytes{static_cast<std::int64_t>(bytes) / kMib * kMib};
  job.utilization = static_cast<std::uint8_t>(job.utilization * part);
  job.kind = kind == 0   ? model::Kind::kTraining
             : kind == 1 ? model::Kind::kInference
                         : model::Kind::kCommand;
  return job;
}

// Given how many come, the moments of a Poisson process are independent draws from its rate: here
// 1 + cycle * cos, highest at 15:00 and lowest at 03:00. Time 0 is midnight.
std::int64_t draw_arrival(double horizon_ms, double cycle, Random& random) {
  for (;;) {
    const double at = random.uniform(0, horizon_ms);
    const double hour = 24.0 * std::fmod(at, kDay) / kDay;
    const double rate = 1.0 + cycle * std::cos(2 * std::numbers::pi * (hour - 15.0) / 24.0);
    if (random.happens(rate / (1.0 + cycle))) return std::llround(at);
  }
}

}  // namespace

const std::vector<Profile>& profiles() {
  static const std::vector<SizeShare> kHeliosSizes{{1, 0.640},  {2, 0.080},  {4, 0.080}, {8, 0.150},
                                                   {16, 0.028}, {32, 0.014}, {64, 0.008}};
  static const std::vector<Profile> kProfiles{
      {"helios", "SenseTime Helios, Hu et al., SC 2021", kHeliosSizes, 0, kHeliosMedian,
       kHeliosGrowth, kHeliosSigma, 0.624, 0.155, 300},
      {"philly",
       "Microsoft Philly, Jeon et al., ATC 2019, as modelled by Narayanan et al., OSDI 2020",
       {{1, 0.70}, {2, 0.10}, {4, 0.15}, {8, 0.05}},
       0,
       0,
       0,
       0,
       1,
       0,
       300},
      {"pai", "Alibaba PAI, Weng et al., NSDI 2022 and ATC 2023; sizes and durations of Helios",
       kHeliosSizes, 0.283 / 0.640, kHeliosMedian, kHeliosGrowth, kHeliosSigma, 0.624, 0.155, 1300},
  };
  return kProfiles;
}

base::Result<Profile> find_profile(std::string_view name) {
  std::vector<std::string> names;
  for (const Profile& profile : profiles()) {
    if (profile.name == name) return profile;
    names.emplace_back(profile.name);
  }
  return base::fail(base::ErrorCode::kBadRequest, "unknown profile \"" + std::string(name) +
                                                      "\": write " + base::join(names, ", "));
}

double device_share(const Job& job, const Fleet& fleet) {
  if (job.memory.value == 0 || fleet.smallest.value == 0) return 1;
  return static_cast<double>(job.memory.value) / static_cast<double>(fleet.smallest.value);
}

std::vector<Job> make_jobs(const Profile& profile, const Demand& demand, const Fleet& fleet) {
  Random random(demand.seed);
  const Users users(profile.users);
  std::vector<Job> jobs;
  jobs.reserve(static_cast<std::size_t>(demand.tasks));
  const int gpus = static_cast<int>(fleet.gpus());
  const int largest = std::min(gpus, demand.largest > 0 ? demand.largest : std::max(4, gpus / 8));
  double device_ms = 0;
  for (std::int64_t i = 0; i < demand.tasks; ++i) {
    jobs.push_back(draw_job(profile, users, fleet, largest, random));
    const Job& job = jobs.back();
    device_ms += static_cast<double>(job.duration_ms) * job.gpus * device_share(job, fleet);
  }
  const double horizon = device_ms / (static_cast<double>(fleet.gpus()) * demand.load);
  std::vector<std::int64_t> arrivals;
  arrivals.reserve(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i)
    arrivals.push_back(draw_arrival(horizon, demand.cycle, random));
  std::sort(arrivals.begin(), arrivals.end());
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].arrival_ms = arrivals[i];
  return jobs;
}

}  // namespace berth::sim
