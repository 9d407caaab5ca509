// SPDX-License-Identifier: Apache-2.0
#include "signal/iq_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "temporary_folder.h"

namespace berth::signal {
namespace {

using Complex = std::complex<float>;
using protocol::ErrorCode;
using tests::TemporaryFolder;

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::vector<Complex> read_all(const IqFile& file) {
  std::vector<Complex> samples(file.samples());
  const auto read = file.read(0, samples.size(), samples.data());
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return samples;
}

TEST(IqFile, ReadsFloatsByDefaultAndShortsFromDat) {
  const TemporaryFolder folder;
  const auto floats = IqFile::open(folder.write("a.iq", bytes_of<float>({1, -2, 0.5f, 3})));
  ASSERT_TRUE(floats);
  EXPECT_EQ(read_all(*floats), (std::vector<Complex>{{1, -2}, {0.5f, 3}}));
  EXPECT_EQ(floats->sample_rate_hz(), 100e6);
  const auto shorts = IqFile::open(folder.write("b.dat", bytes_of<int16_t>({16384, -32768})));
  ASSERT_TRUE(shorts);
  EXPECT_EQ(read_all(*shorts), (std::vector<Complex>{{0.5f, -1}}));
}

TEST(IqFile, ReadsTheOtherFormatsWhenTold) {
  const TemporaryFolder folder;
  IqOptions options;
  options.format = SampleFormat::kFloat64;
  auto file = IqFile::open(folder.write("d", bytes_of<double>({0.25, -4})), options);
  ASSERT_TRUE(file);
  EXPECT_EQ(read_all(*file), (std::vector<Complex>{{0.25f, -4}}));
  options.format = SampleFormat::kInt8;
  file = IqFile::open(folder.write("i", bytes_of<int8_t>({64, -128})), options);
  EXPECT_EQ(read_all(*file), (std::vector<Complex>{{0.5f, -1}}));
  options.format = SampleFormat::kUint8;
  file = IqFile::open(folder.write("u", bytes_of<uint8_t>({255, 0})), options);
  EXPECT_EQ(read_all(*file), (std::vector<Complex>{{127.5f / 128, -127.5f / 128}}));
  options.scale = 2;
  file = IqFile::open(folder.write("u", bytes_of<uint8_t>({255, 0})), options);
  EXPECT_EQ(read_all(*file), (std::vector<Complex>{{255, -255}}));
}

TEST(IqFile, IsZeroOutsideOfTheFile) {
  const TemporaryFolder folder;
  const auto file = IqFile::open(folder.write("a.iq", bytes_of<float>({1, 2, 3, 4})));
  ASSERT_TRUE(file);
  std::vector<Complex> out(5, Complex(9, 9));
  ASSERT_TRUE(file->read(-2, 5, out.data()));
  EXPECT_EQ(out, (std::vector<Complex>{{0, 0}, {0, 0}, {1, 2}, {3, 4}, {0, 0}}));
  ASSERT_TRUE(file->read(7, 2, out.data()));
  EXPECT_EQ(out[0], Complex());
  ASSERT_TRUE(file->read(-9, 5, out.data()));
  EXPECT_EQ(out[4], Complex());
}

TEST(IqFile, CountsAndClearsWhatIsNotANumber) {
  const TemporaryFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  // Long enough for several blocks, with a bad sample at the very end.
  std::vector<float> values(2 * 1301, 1);
  values[1] = nan;
  values[2 * 700] = -infinity;
  values[2 * 1300 + 1] = nan;
  const auto file = IqFile::open(folder.write("a.iq", bytes_of(values)));
  ASSERT_TRUE(file);
  const auto samples = read_all(*file);
  EXPECT_EQ(file->not_finite(), 3u);
  for (size_t i = 0; i < samples.size(); ++i) {
    const bool bad = i == 0 || i == 700 || i == 1300;
    ASSERT_EQ(samples[i], bad ? Complex() : Complex(1, 1)) << i;
  }
}

TEST(IqFile, LeavesOutHalfASampleAtTheEndAndSaysSo) {
  const TemporaryFolder folder;
  const auto file = IqFile::open(folder.write("a.iq", bytes_of<float>({1, 2, 3}) + "x"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->samples(), 1u);
  ASSERT_EQ(file->notes().size(), 1u);
  EXPECT_NE(file->notes()[0].find("last 5 bytes"), std::string::npos) << file->notes()[0];
}

TEST(IqFile, RefusesWhatHoldsNoSample) {
  const TemporaryFolder folder;
  EXPECT_EQ(IqFile::open(folder.write("empty.iq", "")).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(IqFile::open(folder.write("short.iq", "1234567")).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(IqFile::open(folder.path() + "/absent.iq").error().code, ErrorCode::kIoError);
  EXPECT_EQ(IqFile::open(folder.path()).error().code, ErrorCode::kIoError);
}

TEST(IqFile, NoticesThatTheFileBecameShorter) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.iq", bytes_of<float>({1, 2, 3, 4}));
  const auto file = IqFile::open(path);
  ASSERT_TRUE(file);
  std::filesystem::resize_file(path, 8);
  Complex out[2];
  const auto read = file->read(0, 2, out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kIoError);
}

constexpr const char* kXml =
    "<?xml version=\"1.0\"?><SignalHoundIQFile Version=\"1.0\"><DeviceType>USRPX310</DeviceType>"
    "<Drone>FUTABA T14SG</Drone><SerialNumber>pack1</SerialNumber>"
    "<DataType>Complex Short</DataType><ReferenceSNRLevel>24</ReferenceSNRLevel>"
    "<CenterFrequency>2440000000</CenterFrequency><SampleRate> 50e6 </SampleRate>"
    "<IFBandwidth>100000000</IFBandwidth><ScaleFactor>60</ScaleFactor></SignalHoundIQFile>";

TEST(SideFile, OfAPackDescribesEachOfItsSeconds) {
  const TemporaryFolder folder;
  folder.write("pack1.xml", kXml);
  const auto file = IqFile::open(folder.write("pack1_0-1s.iq", bytes_of<int16_t>({16384, 0})));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->format(), SampleFormat::kInt16);
  EXPECT_EQ(file->sample_rate_hz(), 50e6);
  EXPECT_EQ(file->centre_frequency_hz(), 2.44e9);
  EXPECT_EQ(file->side().bandwidth_hz, 100e6);
  EXPECT_EQ(file->side().gain_db, 60);
  EXPECT_EQ(file->side().reference_snr_db, 24);
  EXPECT_EQ(file->side().drone, "FUTABA T14SG");
  EXPECT_TRUE(file->notes().empty());
  EXPECT_EQ(read_all(*file)[0], Complex(0.5f, 0)) << "a receiver's gain is not part of the scale";
}

TEST(SideFile, SigmfComesFirst) {
  const TemporaryFolder folder;
  folder.write("a.xml", kXml);
  folder.write("a.sigmf-meta",
               R"({"global":{"core:datatype":"ci8","core:sample_rate":2e6,"core:version":"1.0.0"},)"
               R"("captures":[{"core:sample_start":0,"core:frequency":5.8e9}],"annotations":[]})");
  const auto file = IqFile::open(folder.write("a.sigmf-data", "abcd"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->format(), SampleFormat::kInt8);
  EXPECT_EQ(file->samples(), 2u);
  EXPECT_EQ(file->sample_rate_hz(), 2e6);
  EXPECT_EQ(file->centre_frequency_hz(), 5.8e9);
}

TEST(SideFile, ThatIsBrokenIsANoteAndTheOptionsWin) {
  const TemporaryFolder folder;
  folder.write("a.xml", "<open");
  IqOptions options;
  options.sample_rate_hz = 1e6;
  auto file = IqFile::open(folder.write("a.iq", "12345678"), options);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sample_rate_hz(), 1e6);
  EXPECT_EQ(file->notes().size(), 1u);
  options.use_side_file = false;
  EXPECT_TRUE(IqFile::open(folder.path() + "/a.iq", options)->notes().empty());
}

TEST(SideFile, LeavesOutWhatIsNotPlausible) {
  const auto xml = parse_rfuav_xml(
      "<a><SampleRate>0</SampleRate><CenterFrequency>nan</CenterFrequency><ScaleFactor/>"
      "<IFBandwidth>x</IFBandwidth><DataType>Real</DataType></a>",
      "a.xml");
  ASSERT_TRUE(xml);
  EXPECT_FALSE(xml->sample_rate_hz || xml->centre_frequency_hz || xml->bandwidth_hz);
  EXPECT_FALSE(xml->gain_db || xml->format);
  EXPECT_EQ(xml->notes.size(), 4u);
  const auto sigmf = parse_sigmf(
      R"({"global":{"core:sample_rate":-1},"captures":[{"core:frequency":"high"}]})", "m");
  ASSERT_TRUE(sigmf);
  EXPECT_FALSE(sigmf->sample_rate_hz || sigmf->centre_frequency_hz);
  EXPECT_EQ(sigmf->notes.size(), 2u);
}

TEST(SideFile, RefusesAnotherByteOrderAndWhatIsNoDescription) {
  EXPECT_EQ(parse_sigmf(R"({"global":{"core:datatype":"cf32_be"}})", "m").error().code,
            ErrorCode::kBadRequest);
  EXPECT_FALSE(parse_sigmf(R"({"captures":[]})", "m"));
  EXPECT_FALSE(parse_sigmf("[]", "m"));
  EXPECT_FALSE(parse_rfuav_xml("", "x"));
  EXPECT_FALSE(parse_rfuav_xml("words", "x"));
}

}  // namespace
}  // namespace berth::signal
