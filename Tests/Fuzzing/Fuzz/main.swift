// make fuzz: generated and damaged input at every trust boundary of the daemon. See docs/fuzzing.md.
import AgentWASM
import FuzzKit
import Glibc
import Linux
import OpenStarryAgent
import TestKit

// This program also compiles modules and acts as an agent, in processes of their own.
if let code = ModuleCompiler.runIfAsked(CommandLine.arguments) { exit(code) }
if CommandLine.arguments.dropFirst().first == "agent" { FuzzAgent.main() }

// The order of sets and dictionaries affects a run: make it the same in every process.
if unsafe getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
  unsafe setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
  unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
}
signal(SIGPIPE, SIG_IGN)

let isWorker = CommandLine.arguments.dropFirst().first == "work"
let options: Options
do { options = try Options(CommandLine.arguments.dropFirst(isWorker ? 2 : 1)) } catch {
  try? System.writeAll(2, Array("fuzz: \(error)\n\(Options.help)".utf8))
  exit(64)
}
if options.showsHelp {
  try? System.writeAll(1, Array(Options.help.utf8))
  exit(0)
}
do {
  // The guardian is beside this program or, for an instrumented build, in the release build.
  let beside = Files.folder(of: try Files.resolve("/proc/self/exe"))
  let guardian = ["\(beside)/openstarry-guardian", ".build/release/openstarry-guardian"].first { Files.isFile($0) }
  let folder = "\(Files.isFolder("/dev/shm") ? "/dev/shm" : "/tmp")/openstarry-fuzz-\(isWorker ? getppid() : getpid())"
  try Files.makeFolder(folder)
  let all = FuzzTargets.all(in: folder, guardian: guardian)
  let chosen = (all + [PlantedTarget()]).filter { target in
    options.targets.isEmpty ? target.name != "planted" : options.targets.contains(target.name)
  }
  for name in options.targets where !chosen.contains(where: { $0.name == name }) {
    throw Options.Mistake(description: "unknown target '\(name)': \(all.map(\.name).joined(separator: ", "))")
  }
  if isWorker {
    let worker = try Worker(chosen[0], options)
    if options.note != nil { try Worker.hush() }
    exit(try options.input.map { try worker.replay($0) } ?? worker.run() ? 0 : 1)
  }
  var isSound = true
  if let input = options.input {
    let code = try Runner.start(["work", "--target", chosen[0].name, "--input", input])
    print(
      code == 0 ? "\(chosen[0].name): passes" : "\(chosen[0].name): \(code == 1 ? "fails" : Runner.end(code))"
    )
    isSound = code == 0
  } else {
    isSound = try Runner(targets: chosen, options: options, folder: folder).run()
  }
  TemporaryFolder.remove(folder)
  exit(isSound ? 0 : 1)
} catch {
  try? System.writeAll(2, Array("fuzz: \(error)\n".utf8))
  exit(1)
}
