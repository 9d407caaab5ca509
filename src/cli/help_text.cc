// SPDX-License-Identifier: Apache-2.0
#include "cli/help_text.h"

namespace berth::cli {

const char* const kHelp =
    R"(berth: gives every GPU job a place.

  berth run [OPTIONS] -- COMMAND...   run a command on the best device, and follow it
  berth run --array 0-9 -- COMMAND... run it once for each index
  berth train, infer, benchmark       train an image classifier; classify with it; how good it is
  berth data split, augment, crop     prepare a data set of images
  berth data spectrogram, waterfall, iq-dataset, snr, awgn
                                      draw recordings of radio signals, measure them, add noise
  berth weights inspect, convert      look into files of weights (no daemon needed)

  berth gpus                          devices, memory, load, processes (no daemon needed)
  berth pick                          name the best device, for scripts (no daemon needed)
  berth pick --hold TIME              and keep it for a program that is started by hand
  berth leases [renew ID | end ID...] what is kept that way
  berth top                           the same live, with tasks and queue: sort, filter, cancel, logs
  berth check                         what document 004's memory check prints (no daemon needed)

  berth ps [TEXT] [--all]             tasks that wait and run; with --all all of them
  berth show ID                       everything about one task
  berth logs ID [-f]                  its output
  berth why ID                        why it waits: a verdict per device
  berth wait ID...                    wait for the end, with the command's own exit status
  berth cancel ID...   berth rm ID...
  berth hold ID...                    keep what waits from starting; berth release ID... lets it go
  berth priority P ID...              another place in the queue, 1 (most urgent) to 10

  berth limits [set DEVICE KIND=N]    how many tasks of a kind a device takes
  berth drain [DEVICE...]             start nothing new there, or on the whole machine
  berth resume [DEVICE...]            take new tasks again

  berth info, version, doctor
  berth notify test                   send a test to every webhook and command of the configuration

An ID may be shortened as long as it is unambiguous; ID_3 is task 3 of an array. Every listing
takes --json, which is in English always; else the language is that of the locale, English or
Chinese (LANG=zh_CN.UTF-8).
"berth VERB --help" tells more. BERTH_URL and BERTH_TOKEN say where the daemon is and who you are.

Exit status: 0 done, 1 the task failed, 2 wrong usage, 3 the daemon is not reachable, 4 not found,
5 refused. "run" and "wait" end as the command does instead; 125 is Berth's own failure there.
)";

const char* const kRunStatus =
    R"(Exit status: that of the command; 128+n when signal n ended it (143 when cancelled or out of time);
127 when the command is not found, 126 when it cannot be run. Whatever else keeps Berth from
running or following it is 125 with the reason on standard error: the daemon is not reachable, the
task is refused or lost. Wrong usage is 2. With --detach: 0 when the task is accepted.)";

const char* const kWaitStatus =
    R"(Exit status: that of "berth run": the command's; 128+n when signal n ended it (143 when cancelled
or out of time); 126 and 127 when it could not be run or found; 125 when Berth itself fails: the daemon
is not reachable, there is no such task, the task is lost. Wrong usage is 2.)";

}  // namespace berth::cli
