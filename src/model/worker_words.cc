// SPDX-License-Identifier: Apache-2.0
#include "model/worker_words.h"

#include <array>

namespace berth::model {

namespace {

constexpr auto kLastSaid = base::Values::kLastSaid;

constexpr auto kRows = std::to_array<base::Rendering>({
    // ---- data sets and pictures ----
    {"{} has no class folders: pictures are expected in {}/<class>/*.jpg (or .jpeg, .png, .bmp)",
     "{} 中没有类别文件夹：图片应放在 {}/<类别>/*.jpg（或 .jpeg、.png、.bmp）"},
    {"the class folder {} holds no picture (.jpg, .jpeg, .png, .bmp): add some or remove it",
     "类别文件夹 {} 中没有图片（.jpg、.jpeg、.png、.bmp）：请添加图片或删除该文件夹"},
    {"num_classes is {} but {} has {} class folders ({}): make them agree",
     "num_classes 为 {}，但 {} 有 {} 个类别文件夹（{}）：请使其一致"},
    {"the classes of {} are not those of {}; missing: {}; not in training: {}",
     "{} 与 {} 的类别不一致；缺少：{}；训练集中没有：{}"},
    {"the classes of {} are not those of {}; missing: {}", "{} 与 {} 的类别不一致；缺少：{}"},
    {"the classes of {} are not those of {}; not in training: {}",
     "{} 与 {} 的类别不一致；训练集中没有：{}"},
    {"none of the pictures in {} could be read", "{} 中的图片均无法读取"},
    {"none of the pictures in {} could be read; the first: {}", "{} 中的图片均无法读取；第一张：{}",
     kLastSaid},
    {"none of the pictures of the class {} could be read", "类别 {} 的图片均无法读取"},
    {"none of the pictures of the class {} could be read; the first: {}",
     "类别 {} 的图片均无法读取；第一张：{}", kLastSaid},
    {"none of the {} pictures in {} could be read; the first: {}",
     "{1} 中的 {0} 张图片均无法读取；第一张：{2}", kLastSaid},
    {"cannot decode {}: {}", "无法解码 {}：{}", kLastSaid},
    {"the file is empty", "文件为空"},
    {"the content is neither JPEG nor PNG nor BMP", "内容不是 JPEG、PNG 或 BMP"},
    {"JPEG: {}", "JPEG：{}"},
    {"PNG: {}", "PNG：{}", kLastSaid},
    {"the file is cut short", "文件不完整"},
    {"BMP: the file is cut short", "BMP：文件不完整"},
    {"the picture claims {} x {} pixels; 1 to {} are supported",
     "图片声称有 {} x {} 像素；支持的总像素数为 1 到 {}"},
    {"source_path {} holds no picture (.jpg, .jpeg, .png, .bmp) and no recording (.iq, .dat, "
     ".sigmf-data)",
     "source_path {} "
     "中没有图片（.jpg、.jpeg、.png、.bmp），也没有录制文件（.iq、.dat、.sigmf-data）"},
    {"{} is shorter than a slice of 0.1 s: there is nothing to classify",
     "{} 不足一个 0.1 秒的片段：没有可分类的内容"},
    {"data_path {} is no folder", "data_path {} 不是文件夹"},
    {"data_path {} must hold <snr>/<colormap>/<class>/ with pictures, of the classes {}",
     "data_path {} 中应有 <信噪比>/<颜色映射>/<类别>/ 及其图片，类别为 {}"},
    {"the name of the class folder {} is not UTF-8: rename it, or unpack the archive with its own "
     "encoding",
     "类别文件夹 {} 的名称不是 UTF-8：请重命名，或用正确的编码重新解压"},
    {"line {} of {} names neither a picture (.jpg, .jpeg, .png, .bmp) nor a recording (.iq, .dat, "
     ".sigmf-data)",
     "{1} 的第 {0} "
     "行既不是图片（.jpg、.jpeg、.png、.bmp），也不是录制文件（.iq、.dat、.sigmf-data）"},
    // ---- training ----
    {"training diverged: the loss is not a number any more in epoch {} (learning rate {}): use a "
     "smaller learning_rate",
     "训练发散：第 {} 轮的损失已变为 NaN（学习率 {}）：请减小 learning_rate"},
    {"not even two pictures of {} px fit into {} with {}: use a smaller image_size, a smaller "
     "model, or a device with more memory",
     "{1} 的显存连两张 {0} 像素的图片也放不下（模型 {2}）：请减小 "
     "image_size、换用更小的模型或显存更大的设备"},
    {"batch_size 1 with image_size 32 leaves batch normalisation a single value per channel; use "
     "batch_size >= 2 or image_size >= 33",
     "batch_size 为 1 且 image_size 为 32 时，批归一化每个通道只有一个值：请使用 batch_size >= 2 "
     "或 image_size >= 33"},
    {"resume: the training in {} was stopped before its state was saved: choose another save_path, "
     "with weight_path to go on from its weights, or leave resume out to train anew",
     "resume：{} 中的训练在保存状态之前已停止：请换一个 save_path 并用 weight_path "
     "从其权重继续，或去掉 resume 重新训练"},
    {"resume: the training in {} has ended: choose another save_path, with weight_path to go on "
     "from its weights, or leave resume out to train anew",
     "resume：{} 中的训练已结束：请换一个 save_path 并用 weight_path 从其权重继续，或去掉 resume "
     "重新训练"},
    {"no space for a checkpoint: {} takes {} bytes and {} are free: free some space or choose "
     "another save_path",
     "空间不足以保存检查点：{} 需要 {} 字节，剩余 {} 字节：请腾出空间或换一个 save_path"},
    {"{}; {} bytes are free: free some space or choose another save_path",
     "{}；剩余 {} 字节：请腾出空间或换一个 save_path", base::Values::kFirstSaid},
    {"{}; {} bytes are needed and {} are free: free some space or choose another save_path",
     "{}；需要 {} 字节，剩余 {} 字节：请腾出空间或换一个 save_path", base::Values::kFirstSaid},
    {"{} is of a training with {}, this one has {}: train with the same, with another save_path, "
     "or with resume false",
     "{} 属于参数为 {} 的训练，本次为 {}：请使用相同参数、换一个 save_path，或将 resume 设为 "
     "false"},
    {"the system gave no more memory: use a smaller batch_size or a device with more free memory",
     "系统内存不足：请减小 batch_size，或使用空闲内存更多的设备"},
    {"{}: the system gave no more memory", "{}：系统内存不足"},
    {"the ranks ended without saying why", "各训练进程已退出，原因未知"},
    {"rank {} of {} ended with exit status {} without saying why",
     "第 {} 个训练进程（共 {} 个）以退出码 {} 退出，原因未知"},
    {"rank {} of {} was killed (signal 9), as the system does when memory runs out",
     "第 {} 个训练进程（共 {} 个）被终止（信号 9），通常是系统内存不足所致"},
    {"device \"{}\" is not understood; use cpu or cuda:N",
     "无法识别设备“{}”；请使用 cpu 或 cuda:N"},
    {"device \"{}\" is not supported by this worker; use cpu or cuda:N",
     "内置程序不支持设备“{}”；请使用 cpu 或 cuda:N"},
    {"device \"{}\" cannot be used: LibTorch {} of this worker was built without CUDA; use cpu, or "
     "build the workers with TORCH_ROOT set to a CUDA build",
     "无法使用设备“{}”：内置程序的 LibTorch {} 不带 CUDA；请使用 cpu，或将 TORCH_ROOT 设为带 CUDA "
     "的版本重新构建"},
    {"device \"{}\" is not there: this process sees {} CUDA device(s)",
     "设备“{}”不存在：该进程可见 {} 个 CUDA 设备"},
    // ---- values of a request ----
    {"task specification: \"{}\" is missing: a non-empty string is needed",
     "任务参数“{}”缺失：需要非空字符串"},
    {"task specification: \"{}\" is {}; it must be an integer from {} to {}",
     "任务参数“{}”为 {}：应为 {} 到 {} 的整数"},
    {"task specification: \"{}\" is \"{}\"; known: {}", "任务参数“{}”为“{}”：可用 {}"},
    {"task specification: \"min_learning_rate\" must not be above \"learning_rate\"",
     "任务参数“min_learning_rate”不能大于“learning_rate”"},
    // ---- weights and configurations ----
    {"{} of {} is not known: looked in {}; give a cfg_path whose YAML has it",
     "{1} 的 {0} 未知：已查找 {2}；请提供含有该项的 YAML 作为 cfg_path"},
    {"num_classes is {} but class_names has {} names ({})",
     "num_classes 为 {}，但 class_names 有 {} 个名称（{}）"},
    {"{}: {} says {}, {} says {}: one of them belongs to another checkpoint",
     "{0}：{1} 为 {2}，{3} 为 {4}：其中之一属于另一个检查点"},
    {"{} is not the state of a training: it has no {}", "{} 不是训练状态文件：缺少 {}"},
    {"unknown model \"{}\"; known: {}", "不支持的模型“{}”；支持：{}"},
    {"{} must be a YAML map of settings", "{} 必须是由配置项组成的 YAML 映射"},
    {"{}: class_names must be a list of strings", "{}：class_names 必须是字符串列表"},
    {"{}: class_names must be a list of names or a map name: index with every index from 0 once",
     "{}：class_names 必须是名称列表，或“名称: 序号”的映射（序号从 0 起，各出现一次）"},
    {"{} does not fit the model; missing: {}; unexpected: {}; other shape: {}",
     "{} 与模型不符；缺少：{}；多余：{}；形状不同：{}"},
    {"{} does not fit the model; missing: {}; unexpected: {}", "{} 与模型不符；缺少：{}；多余：{}"},
    {"{} does not fit the model; missing: {}; other shape: {}",
     "{} 与模型不符；缺少：{}；形状不同：{}"},
    {"{} does not fit the model; unexpected: {}; other shape: {}",
     "{} 与模型不符；多余：{}；形状不同：{}"},
    {"{} does not fit the model; missing: {}", "{} 与模型不符；缺少：{}"},
    {"{} does not fit the model; unexpected: {}", "{} 与模型不符；多余：{}"},
    {"{} does not fit the model; other shape: {}", "{} 与模型不符；形状不同：{}"},
    {"{} is empty (a copy or download that failed?)", "{} 为空（复制或下载失败？）"},
    {"{} is a Python pickle, but not of torch.save: save model.state_dict() with torch.save",
     "{} 是 Python pickle，但不是 torch.save 的文件：请用 torch.save 保存 model.state_dict()"},
    {"{} is a Python pickle of {}, but not of torch.save: save model.state_dict() with torch.save",
     "{} 是 {} 的 Python pickle，但不是 torch.save 的文件：请用 torch.save 保存 "
     "model.state_dict()"},
    {"{} begins like a Python pickle, but is damaged, cut short or something else",
     "{} 的开头像 Python pickle，但已损坏、不完整或是其他文件"},
    {"{} holds only zeros (a download or copy that did not finish?)",
     "{} 的内容全为零（下载或复制未完成？）"},
    {"{} is an HTML page, not weights (a download link that wants a login?): download the file "
     "itself",
     "{} 是网页而不是权重（下载链接需要登录？）：请下载文件本身"},
    {"{} is an XML document (an error of a download server?)",
     "{} 是 XML 文档（下载服务器的错误信息？）"},
    {"{} is JSON, not weights", "{} 是 JSON 而不是权重"},
    {"{} is a text, not weights", "{} 是文本而不是权重"},
    {"{} is no format that is known: safetensors, torch.save's and torch.jit.save's files are read",
     "{} 的格式未知：可读取 safetensors 以及 torch.save、torch.jit.save 的文件"},
    {"{} is not a whole zip archive: {}", "{} 不是完整的 zip 文件：{}"},
    {"{} is not a valid safetensors file: {}", "{} 不是有效的 safetensors 文件：{}"},
    {"{} is not a readable pickle: {}", "{} 不是可读取的 pickle：{}"},
    {"not enough memory to read {}", "内存不足，无法读取 {}"},
    {"{} is of another model or of a training with other settings: train with those, or without "
     "resume",
     "{} 属于另一个模型或参数不同的训练：请使用相同参数，或去掉 resume"},
    {"{} holds no weights but {}: save model.state_dict(), alone or under the key \"state_dict\"",
     "{} 中没有权重，而是 {}：请保存 model.state_dict()，单独保存或放在键“state_dict”下"},
    {"{} is compressed (gzip): unpack it first", "{} 是压缩文件（gzip）：请先解压"},
    {"{} is not JSON: {}", "{} 不是 JSON：{}"},
    {"{} must hold a JSON object", "{} 应含有一个 JSON 对象"},
    {"{} has neither predictions (as inference writes them) nor annotations (COCO)",
     "{} 中既没有 predictions（推理所写），也没有 annotations（COCO）"},
    {"{} must have a path and a box [x, y, width, height] in pixels",
     "{} 应有路径和以像素表示的框 [x, y, width, height]"},
    {"{} must have the image_id of one of the images, and a bbox [x, y, width, height] in pixels",
     "{} 应有某张图片的 image_id 和以像素表示的 bbox [x, y, width, height]"},
    {"{} must be \"class x y width height [score]\": the centre and the size as shares of the "
     "picture",
     "{} 应为“class x y width height [score]”：中心和尺寸为图片的比例"},
    // ---- preparation ----
    {"input_path {} is not a folder: one with a sub-folder for each class is needed",
     "input_path {} 不是文件夹：需要每个类别一个子文件夹"},
    {"output_path {} lies in input_path {}, where it would become a class: choose another folder",
     "output_path {} 位于 input_path {} 之中，会被当作一个类别：请另选文件夹"},
    {"input_path {} lies in {}, which would be written: choose another output_path",
     "input_path {} 位于将被写入的 {} 之中：请另选 output_path"},
    {"{} is there already and two splits must not mix: choose another output_path, or set "
     "\"overwrite\" to replace train, valid and test",
     "{} 已存在，两次划分不能混在一起：请另选 output_path，或设置“overwrite”以替换 train、valid 和 "
     "test"},
    {"the class folders in {} hold no picture (.jpg, .jpeg, .png, .bmp)",
     "{} 的类别文件夹中没有图片（.jpg、.jpeg、.png、.bmp）"},
    {"output_path {} would mix with the pictures in {}: choose another folder",
     "output_path {} 会与 {} 中的图片混在一起：请另选文件夹"},
    {"{} holds neither a train nor a valid folder", "{} 中既没有 train 也没有 valid 文件夹"},
    {"train and valid in {} hold no picture: they are expected in <class>/*.jpg (or .jpeg, .png, "
     ".bmp)",
     "{} 的 train 和 valid 中没有图片：图片应放在 <类别>/*.jpg（或 .jpeg、.png、.bmp）"},
    {"output_path {} lies in input_path {}, whose pictures it would replace: choose another folder",
     "output_path {} 位于 input_path {} 之中，会覆盖其中的图片：请另选文件夹"},
    {"output_path is the folder of {}, which would be replaced: choose another folder",
     "output_path 就是 {} 所在的文件夹，会覆盖它：请另选文件夹"},
    {"input_path {} holds no picture (.jpg, .jpeg, .png, .bmp)",
     "input_path {} 中没有图片（.jpg、.jpeg、.png、.bmp）"},
    {"cannot crop {}: {}", "无法裁剪 {}：{}", kLastSaid},
    {"the rectangle begins at ({}, {}), outside the picture of {} x {} pixels",
     "矩形起点 ({}, {}) 在 {} x {} 像素的图片之外"},
    {"{} {} is a file: it must be a folder, or not exist yet",
     "{} {} 是文件：它应是文件夹或尚不存在"},
    {"{} {} already holds {}, which would be replaced: choose another folder",
     "{} {} 中已有 {}，会被覆盖：请另选文件夹"},
    {"another task is writing to {} {}: wait for its end or choose another folder",
     "另一个任务正在写入 {} {}：请等待其结束或另选文件夹"},
    {"cannot link {}: input_path and output_path lie on different file systems; leave out \"link\" "
     "to copy",
     "无法链接 {}：input_path 与 output_path 不在同一文件系统；去掉“link”即为复制"},
    {"none of the {} files could be done; the first: {}", "{} 个文件均未能处理；第一个：{}",
     kLastSaid},
    {"not enough memory for {}: use fewer threads", "内存不足以处理 {}：请减少线程数"},
    {"the system gave no more memory", "系统内存不足"},
    // ---- signals ----
    {"{} holds no recordings: expected <drone>/<pack>.iq (or .dat, .sigmf-data)",
     "{} 中没有录制文件：应为 <机型>/<数据包>.iq（或 .dat、.sigmf-data）"},
    {"{} holds no recordings (.iq, .dat or .sigmf-data)",
     "{} 中没有录制文件（.iq、.dat 或 .sigmf-data）"},
    {"none of {} recordings could be judged; the first: {}", "{} 个录制文件均无法测量；第一个：{}",
     kLastSaid},
    {"no signal was found in {}: there is nothing to relate noise to",
     "{} 中未发现信号：无法确定加噪的基准"},
    {"no picture could be made of {} recordings; the first: {}",
     "{} 个录制文件均无法绘图；第一个：{}", kLastSaid},
    {"{} holds {} bytes, less than one sample of {} bytes ({})",
     "{} 只有 {} 字节，不足一个 {} 字节的采样点（{}）"},
    {"there is no sample to draw", "没有可绘制的采样点"},
    {"{}: a film's name must end in .avi or .mp4", "{}：视频文件名必须以 .avi 或 .mp4 结尾"},
    {"the program ffmpeg, which makes .mp4 files, was not found in PATH: install it (Debian: "
     "apt-get install ffmpeg) or choose an .avi file",
     "在 PATH 中未找到生成 .mp4 所需的 ffmpeg：请安装（Debian：apt-get install ffmpeg），或改用 "
     ".avi"},
    {"the system gave no more memory: choose smaller pictures or fewer threads",
     "系统内存不足：请减小图片尺寸或减少线程数"},
    {"{} is {} s long, less than a slice of {} s", "{} 长 {} 秒，不足一个 {} 秒的片段"},
    {"{} samples are too few to tell a signal from noise: {} are needed",
     "{} 个采样点太少，无法区分信号与噪声：至少需要 {} 个"},
    {"a slice of {} s at {} samples/s: it must hold at least one sample",
     "{} 秒的片段（采样率 {}/秒）：至少应含一个采样点"},
    {"the recording has {} samples, a frame needs {} rows of {}: choose a shorter duration_time",
     "录制文件有 {} 个采样点，每帧需要 {} 行、每行 {} 个：请减小 duration_time"},
    {"{} and another recording would write the same pictures, \"{} (0)\" and so on: rename one",
     "{} 与另一个录制文件会写出同名图片“{} (0)”等：请重命名其中之一"},
    {"{} has {} dB; adding noise cannot bring it to {} dB or more: ask for less",
     "{} 的信噪比为 {} dB；加噪无法使其达到 {} dB 或更高：请减小目标值"},
    // ---- files ----
    {"cannot read {}: it is not a file", "无法读取 {}：不是文件"},
    {"cannot read {}: {}", "无法读取 {}：{}", kLastSaid},
    {"cannot read source_path {}: {}", "无法读取 source_path {}：{}", kLastSaid},
    {"cannot read weight_path {}: {}", "无法读取 weight_path {}：{}", kLastSaid},
    {"cannot create {}: {}", "无法创建 {}：{}", kLastSaid},
    {"cannot write {}: {}", "无法写入 {}：{}", kLastSaid},
    {"cannot list the folder {}: {}", "无法列出文件夹 {}：{}", kLastSaid},
    {"cannot open the folder {}: {}", "无法打开文件夹 {}：{}", kLastSaid},
    {"cannot make the folder {}: {}", "无法创建文件夹 {}：{}", kLastSaid},
    {"cannot put in place {}: {}", "无法将文件移动到 {}：{}", kLastSaid},
});

constexpr auto kSystemRows = std::to_array<base::Rendering>({
    {"No such file or directory", "文件或目录不存在"},
    {"Permission denied", "权限不足"},
    {"No space left on device", "磁盘空间不足"},
    {"Disk quota exceeded", "超出磁盘配额"},
    {"Read-only file system", "只读文件系统"},
    {"Is a directory", "是目录"},
    {"Not a directory", "不是目录"},
    {"Input/output error", "输入/输出错误"},
    {"Too many open files", "打开的文件过多"},
    {"Cannot allocate memory", "内存不足"},
});

}  // namespace

std::span<const base::Rendering> worker_words() { return kRows; }
std::span<const base::Rendering> system_words() { return kSystemRows; }

}  // namespace berth::model
