import Agent
import AgentProcess
import EventLoop
import Glibc
import LauncherClient
import Linux
import Model
import Plugins

/// Agents in containers of podman, beside podman alone, and of a Docker engine. The image is made here, without a network.
struct Containers {
  private static let image = "localhost/openstarry-bench:1"
  private let folder: String
  private let workload: String
  private let images: String
  /// podman for the folder of the images.
  private let podman: String
  private let checkout: String

  /// - Parameters:
  ///   - programs: the folder of the release build.
  ///   - scratch: a folder for the image. The launcher's user must be able to read it.
  init(programs: String, scratch: String, checkout: String) throws {
    folder = "\(scratch)/containers"
    images = "\(folder)/images"
    workload = "\(folder)/workload"
    podman = "\(checkout)/systemd/images"
    self.checkout = checkout
    try Files.makeFolder(folder, mode: 0o755)
    _ = unsafe chmod(scratch, 0o755)
    try Files.replace(workload, with: Files.read("\(programs)/workload-program", limit: 256 << 20), mode: 0o755)
    let script = """
      set -e
      mkdir -p "$1/image/usr"
      ln -s usr/bin "$1/image/bin"; ln -s usr/lib "$1/image/lib"; ln -s usr/lib64 "$1/image/lib64"
      tar -C "$1/image" -cf "$1/image.tar" --owner=0 --group=0 .
      OPENSTARRY_IMAGES=$1/images "$2" import - \(Self.image) <"$1/image.tar"
      """
    try run("/bin/sh", ["sh", "-c", script, "sh", folder, podman])
  }

  /// Why there are no figures on this machine; nil when there are.
  static var absence: String? {
    do throws(AgentFailure) { _ = try ContainerEngine.find(images: "/") } catch { return error.message }
    return nil
  }

  func report() throws {
    Report.section("Agents in containers")
    let loop = try EventLoop()
    let launcher = LauncherLink(loop)
    defer { launcher.close() }
    let driver = ContainerDriver(
      loop, home: "\(folder)/home", plugins: PluginStore(home: folder), launcher: launcher, images: images)
    var manifest = Manifest(
      id: "bench", name: "bench", runtime: .init(driver: .docker, entry: Self.image, arguments: [workload]),
      permissions: .all, file: "\(folder)/agent.json")
    manifest.permissions.paths = ["/usr", folder]
    let starts = SampleDistribution(
      try (0..<10).map { _ in try AgentStart.milliseconds(manifest, driver, on: loop) })
    Report.line("Swift: spawn to first event handled, in a container", starts.text("ms"))
    do {
      let alone = SampleDistribution(try (0..<10).map { _ in try podmanAlone() })
      Report.line("podman run --rm of /usr/bin/true alone, to its end", alone.text("ms"))
    } catch {
      Report.line("podman run --rm of /usr/bin/true alone", "podman cannot do that here as an ordinary user")
    }
    manifest.id = "relay"
    let reflex = try Reflex(loop: loop, driver: driver, manifest: manifest)
    Report.line(
      "Swift: edge → rule → agent → actuator", SampleDistribution(try reflex.measure(2_000)).text("µs"),
      goal: "p50 120 µs")
    guard let pid = reflex.pid else { throw SystemError("find", "the container", errno: ESRCH) }
    let pss = Double(try Self.tree(pid).reduce(0) { try $0 + ProcessProbe(pid: $1).memory().pss }) / 1024
    Report.line("Swift: PSS of agent and container together", "\(SampleDistribution.round(pss)) MiB")
    let kill = SampleDistribution.round(try reflex.killAgent())
    Report.line("Swift: SIGKILL of the container to its output safe", "\(kill) ms")
    try reportDocker(loop, launcher, manifest)
  }

  /// The same in a Docker engine, if one can be started here.
  private func reportDocker(_ loop: EventLoop, _ launcher: LauncherLink, _ relay: Manifest) throws {
    let (engine, doors) = ("\(folder)/docker", "\(folder)/doors")
    for place in [engine, doors] { try Files.makeFolder(place, mode: 0o755) }
    // The launcher's user makes a folder for each agent's socket there, and nobody else may write there.
    let agents = unsafe getpwnam("openstarry-agents")?.pointee.pw_uid ?? 65534
    if geteuid() == 0 { _ = unsafe chown(doors, agents, agents) }
    do {
      try run("\(checkout)/.ci/docker-engine", ["docker-engine", engine, "\(getpid())"])
      try run(
        "\(checkout)/.ci/docker-image", ["docker-image", "\(engine)/docker.sock", "\(folder)/image.tar", Self.image])
    } catch {
      return Report.line("The same in a Docker engine", "none starts here: \(engine)/log says why")
    }
    defer { Self.end(engine) }
    let docker = DockerEngine(socket: "\(engine)/docker.sock", folder: doors, home: "\(folder)/home", launcher)
    let driver = ContainerDriver(
      loop, home: "\(folder)/home", plugins: PluginStore(home: folder), launcher: launcher, docker: docker)
    var manifest = relay
    manifest.id = "bench"
    let starts = SampleDistribution(
      try (0..<10).map { _ in try AgentStart.milliseconds(manifest, driver, on: loop) })
    Report.line("Swift: spawn to first event handled, in a Docker engine", starts.text("ms"))
    let reflex = try Reflex(loop: loop, driver: driver, manifest: relay)
    Report.line(
      "Swift: edge → rule → agent → actuator, in a Docker engine",
      SampleDistribution(try reflex.measure(2_000)).text("µs"),
      goal: "p50 120 µs")
    guard let pid = reflex.pid else { throw SystemError("find", "the container's stage", errno: ESRCH) }
    let pss = try SampleDistribution.round(Double(ProcessProbe(pid: pid).memory().pss) / 1024)
    Report.line("PSS of the process that stands for a container, without the engine", "\(pss) MiB")
  }

  private static func end(_ engine: String) {
    guard let text = try? Files.read("\(engine)/pid"), let process = Int32(String(decoding: text, as: UTF8.self)) else {
      return
    }
    kill(process, SIGTERM)
    for _ in 0..<200 where kill(process, 0) == 0 { usleep(50_000) }
  }

  /// Milliseconds of a container that does nothing, by podman's own command.
  private func podmanAlone() throws -> Double {
    let begin = System.monotonicNanoseconds()
    // crun refuses hosts with both versions of control groups, outside of the agents' sandbox; runc needs groups.
    let runc = ["/usr/bin/runc", "/usr/sbin/runc"].first { Files.isFile($0) }
    let words =
      (runc.map { ["--runtime", $0, "run"] } ?? ["run", "--cgroups=disabled"])
      + ["--rm", "--network=none", "--volume", "/usr:/usr:ro"]
    try run(
      "/usr/bin/env", ["env", "OPENSTARRY_IMAGES=\(images)", podman] + words + [Self.image, "/usr/bin/true"])
    return Double(System.monotonicNanoseconds() - begin) / 1_000_000
  }

  private func run(_ program: String, _ words: [String]) throws {
    guard try Spawn.wait(for: try Spawn.start(program, words)) == 0 else {
      throw SystemError("run", words.joined(separator: " "), errno: ECHILD)
    }
  }

  /// A process and all processes below it.
  private static func tree(_ process: Int32) -> [Int32] {
    let text = (try? Files.read("/proc/\(process)/task/\(process)/children")) ?? []
    let children = String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    return [process] + children.flatMap(tree)
  }
}
