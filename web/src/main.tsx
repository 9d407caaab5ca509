// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app.tsx";
import { route } from "./router.ts";
import { watchMachine } from "./state/machine.ts";
import { watchCounts } from "./state/tasks.ts";

render(<App />, document.getElementById("app")!);
watchMachine();
watchCounts(() => route.peek().view !== "tasks");
