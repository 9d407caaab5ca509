// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <limits>

namespace berth::metrics {
namespace {

TEST(Text, IsPrometheusFormatWithEscapes) {
  Text text;
  text.family("a_total", Type::kCounter, "back\\slash\nline");
  text.sample({{"x", "q\"uo\\te\n"}, {"y", ""}}, 3);
  text.sample({}, 0.5);
  text.family("none", Type::kGauge, "is left out");
  text.family("inf", Type::kGauge, "i");
  text.sample({}, std::numeric_limits<double>::infinity());
  EXPECT_EQ(text.take(),
            "# HELP a_total back\\\\slash\\nline\n# TYPE a_total counter\n"
            "a_total{x=\"q\\\"uo\\\\te\\n\",y=\"\"} 3\na_total 0.5\n"
            "# HELP inf i\n# TYPE inf gauge\ninf +Inf\n");
}

TEST(Histogram, CountsUpToEachBound) {
  Histogram histogram;
  histogram.observe(0.05);
  histogram.observe(0.1);
  histogram.observe(1e9);
  Text text;
  text.family("h", Type::kHistogram, "h");
  histogram.write(text, {{"kind", "training"}});
  const std::string all = text.take();
  EXPECT_NE(all.find("h_bucket{kind=\"training\",le=\"0.01\"} 0\n"), std::string::npos) << all;
  EXPECT_NE(all.find("h_bucket{kind=\"training\",le=\"0.1\"} 2\n"), std::string::npos);
  EXPECT_NE(all.find("h_bucket{kind=\"training\",le=\"+Inf\"} 3\n"), std::string::npos);
  EXPECT_NE(all.find("h_count{kind=\"training\"} 3\n"), std::string::npos);
}

class Exposition : public ::testing::Test {
 protected:
  Exposition() {
    gpu_.id = model::DeviceId("GPU-a");
    gpu_.name = "cuda:3";
    gpu_.model = "NVIDIA A100";
    gpu_.vendor = model::Vendor::kNvidia;
    gpu_.index = 3;
    gpu_.pci_bus_id = "00000000:0A:00.0";
    sample_.used_memory = base::Bytes::from_gib(2);
    sample_.free_memory = base::Bytes::from_gib(6);
    sample_.temperature_c = 41;
    sample_.energy_mj = 1'234'567;
    figures_.host = "box";
    figures_.version = "1.2.3";
    figures_.counters = &counters_;
    figures_.devices = {{&gpu_,
                         &sample_,
                         true,
                         base::Bytes{1024},
                         {{model::Kind::kTraining, 1}},
                         {{model::Kind::kTraining, 4}}}};
  }
  model::Device gpu_;
  model::Sample sample_;
  TaskCounters counters_;
  Figures figures_;
};

TEST_F(Exposition, DevicesHaveTheNamesAndLabelsOfTheDcgmExporter) {
  const std::string text = exposition(figures_, false);
  const std::string labels =
      "{gpu=\"3\",UUID=\"GPU-a\",pci_bus_id=\"00000000:0A:00.0\",device=\"nvidia3\","
      "Hostname=\"box\"}";
  EXPECT_NE(text.find("DCGM_FI_DEV_GPU_TEMP" + labels + " 41\n"), std::string::npos) << text;
  EXPECT_NE(text.find("DCGM_FI_DEV_FB_USED" + labels + " 2048\n"), std::string::npos);
  EXPECT_NE(text.find("DCGM_FI_DEV_FB_FREE" + labels + " 6144\n"), std::string::npos);
  EXPECT_NE(text.find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" + labels + " 1234567\n"),
            std::string::npos);
  EXPECT_EQ(text.find("modelName"), std::string::npos);
  EXPECT_NE(exposition(figures_, true).find("Hostname=\"box\",modelName=\"NVIDIA A100\"}"),
            std::string::npos);
}

TEST_F(Exposition, AnAbsentReadingHasNoSample) {
  EXPECT_EQ(exposition(figures_, false).find("DCGM_FI_DEV_POWER_USAGE"), std::string::npos);
  sample_ = {};
  EXPECT_EQ(exposition(figures_, false).find("DCGM_"), std::string::npos);
}

TEST_F(Exposition, ADeviceThatIsGoneOrSilentHasNoReadings) {
  for (const auto health : {model::Health::kLost, model::Health::kNotResponding}) {
    sample_.health = health;
    const std::string text = exposition(figures_, false);
    EXPECT_EQ(text.find("DCGM_"), std::string::npos);
    EXPECT_NE(text.find("berth_device_healthy{device=\"cuda:3\",uuid=\"GPU-a\"} 0\n"),
              std::string::npos);
  }
}

TEST_F(Exposition, AnInstanceIsToldFromItsGpu) {
  gpu_.mig = model::MigInstance{};
  gpu_.mig->gpu_instance = 7;
  gpu_.mig->profile = "1g.10gb";
  EXPECT_NE(exposition(figures_, false).find("GPU_I_PROFILE=\"1g.10gb\",GPU_I_ID=\"7\"}"),
            std::string::npos);
}

TEST_F(Exposition, TheNumberOfSeriesDoesNotGrowWithTheTasks) {
  const auto lines = [&] {
    const std::string text = exposition(figures_, false);
    return std::count(text.begin(), text.end(), '\n');
  };
  figures_.tasks[{model::Kind::kCommand, model::TaskState::kCompleted}] = 1;
  counters_.ended[{model::Kind::kCommand, model::TaskState::kCompleted}] = 1;
  counters_.ran[model::Kind::kCommand].observe(1);
  const auto before = lines();
  for (int i = 0; i < 1000; ++i) {
    ++figures_.tasks[{model::Kind::kCommand, model::TaskState::kCompleted}];
    ++counters_.ended[{model::Kind::kCommand, model::TaskState::kCompleted}];
    counters_.ran[model::Kind::kCommand].observe(i);
  }
  EXPECT_EQ(lines(), before);
  EXPECT_NE(exposition(figures_, false)
                .find("berth_tasks_ended_total{kind=\"command\",state=\"completed\"} 1001\n"),
            std::string::npos);
}

TEST_F(Exposition, TellsOfTheDaemonItself) {
  const std::string text = exposition(figures_, false);
  EXPECT_NE(text.find("berth_build_info{version=\"1.2.3\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("\nprocess_resident_memory_bytes "), std::string::npos);
  EXPECT_NE(text.find("\nprocess_cpu_seconds_total "), std::string::npos);
}

}  // namespace
}  // namespace berth::metrics
