import Agent
import AgentProcess
import EventLoop
import EventLoopTestKit
import Glibc
import LauncherClient
import Linux
import Model
import ProxyClient
import TestKit

/// A real launcher with a driver, and a folder for programs that the launcher's user can read.
package final class SandboxRoom {
  package let loop: EventLoop
  package let driver: ProcessDriver
  package let launcher: LauncherLink
  package let proxy: ProxyLink
  private let place: TemporaryFolder
  package var folder: String { place.path }
  /// The folder for those of agents, in which the launcher's user may write.
  package let data: String

  /// - Parameter patience: how long the launcher may be silent.
  package init(limits: ProcessLimits = ProcessLimits(), patience: Duration = .seconds(60)) throws {
    place = try TemporaryFolder()
    _ = unsafe chmod(place.path, 0o755)
    loop = try EventLoop()
    launcher = LauncherLink(loop, socket: nil, program: Beside.path("openstarry-launcher"), patience: patience)
    proxy = ProxyLink(loop, socket: nil, program: Beside.path("openstarry-proxy"))
    data = "\(place.path)/data"
    _ = unsafe mkdir(data, 0o777)
    _ = unsafe chmod(data, 0o777)
    driver = ProcessDriver(
      loop, home: "\(place.path)/home", launcher: launcher, proxy: proxy, data: data, limits: limits)
  }

  deinit { driver.close() }

  /// Why sandboxes cannot be made on this machine; nil when they can.
  package static let absence: String? = {
    guard Files.isFile("/usr/bin/bwrap") else { return "bubblewrap is not installed: make setup installs it" }
    guard let room = try? SandboxRoom() else { return "no event loop" }
    let output = try? room.output(of: ["/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true"])
    return output?.code == 0 ? nil : "bubblewrap cannot make user namespaces here: \(output?.text ?? "no launcher")"
  }()

  /// The folders of the Swift library that a debug build is linked with.
  package static let runtimeFolders: [String] = {
    let maps = String(decoding: (try? Files.read("/proc/self/maps")) ?? [], as: UTF8.self)
    let libraries = maps.split(separator: "\n").compactMap { line in
      line.firstIndex(of: "/").map { String(line[$0...]) }
    }
    return Set(libraries.filter { $0.hasSuffix("libswiftCore.so") }.map { Files.folder(of: $0) }).sorted()
  }()

  /// The manifest of a program.
  package func manifest(_ entry: String, arguments: [String] = []) -> Manifest {
    Manifest(
      id: "subject", name: "subject", runtime: .init(driver: .process, entry: entry, arguments: arguments),
      permissions: .all, file: "\(folder)/agent.json")
  }

  /// Writes an executable file, and returns the manifest of an agent that runs it.
  package func program(_ name: String, _ text: String) throws -> Manifest {
    try place.write(name, text)
    _ = unsafe chmod("\(folder)/\(name)", 0o755)
    return manifest(name)
  }

  /// Runs the loop until `isDone` is true, or a generous timeout.
  package func run(until isDone: () -> Bool) { loop.run(until: isDone) }

  /// Runs the loop until nothing is left to do.
  package func settle() { loop.settle() }

  /// Lets the launcher run a command to its end.
  /// - Parameter door: the descriptor through which the sandbox passes its listening socket out.
  /// - Returns: its exit code, nil when it was not started, and what it wrote.
  package func output(
    of words: [String], environment: [String] = ["PATH=/usr/bin:/bin"], filter: String? = nil, door: Int32? = nil
  ) throws -> (code: Int32?, text: String) {
    try launcher.output(of: Confinement.none(words, environment), filter: filter, door: door)
  }
}
