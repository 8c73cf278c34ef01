// make faults: thousands of seeded runs of the daemon's real parts, with faults. See docs/faults.md.
import AgentWASM
import FaultKit
import Glibc
import Linux
import Model

// Modules are compiled by this program in a process of its own.
if let code = ModuleCompiler.runIfAsked(CommandLine.arguments) { exit(code) }

// The order of sets and dictionaries affects a run: make it the same in every process.
if unsafe getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
  unsafe setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
  unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
}

let options: Options
do { options = try Options(Array(CommandLine.arguments.dropFirst())) } catch {
  try? System.writeAll(2, Array("fault-campaign: \(error)\n\(Options.help)".utf8))
  exit(64)
}
do {
  if options.jobs > 1, options.seed == nil { exit(try ParallelRuns.run(options) ? 0 : 1) }
  let folders = try Folders()
  let isSound = Report(folders, options).run()
  folders.clean()
  exit(isSound ? 0 : 1)
} catch {
  try? System.writeAll(2, Array("fault-campaign: \(error)\n".utf8))
  exit(1)
}
