// Started by the daemon with its end of their connection as descriptor 3, or by systemd with a listening socket there.
// With arguments it is the last step inside a sandbox, the first one of a container, the stage of a container that an engine
// holds, or a probe in a sandbox.
let words = Stage.arguments()
if words.isEmpty { LauncherProcess.main() }
if words[0] == [UInt8]("--probe") { Probe.main(words) }
if words[0] == [UInt8]("--container") { ContainerStage.main(words) }
if words[0] == [UInt8]("--engine") { EngineStage.main(words) }
Stage.main(words)
