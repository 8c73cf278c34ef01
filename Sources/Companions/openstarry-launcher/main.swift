// Started by the daemon with its end of their connection as descriptor 3, or by systemd with a listening socket there.
// With arguments it is the last step inside a sandbox, or a probe in one.
let words = Stage.arguments()
if words.isEmpty {
  LauncherProcess.main()
} else if words[0] == [UInt8]("--probe") {
  Probe.main(words)
} else {
  Stage.main(words)
}
