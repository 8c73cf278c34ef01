import Agent
import AgentProcess
import EventLoop
import EventLoopTestKit
import Glibc
import Launcher
import LauncherClient
import Linux
import Model
import Plugins
import ProxyClient
import TestKit

/// A real launcher with a driver of containers, an image with a shell, and a folder for plugins.
package final class ContainerRoom {
  package let loop: EventLoop
  package let driver: ContainerDriver
  package let launcher: LauncherLink
  private let proxy: ProxyLink
  private let place: TemporaryFolder
  package var folder: String { place.path }
  /// Where agents in containers of a Docker engine find their sockets.
  package let door: String
  package var plugins: PluginStore { PluginStore(folder: "\(folder)/plugins") }

  /// The name of the image that has nothing but busybox.
  package static let image = "localhost/openstarry-test:1"

  /// - Parameters:
  ///   - images: the folder of the images; nil for the one with `image`.
  ///   - docker: the socket of a Docker engine; nil for podman.
  ///   - door: where agents in containers of that find their sockets; nil for a folder of this room.
  ///   - home: `$OPENSTARRY_HOME`; nil for a folder of this room.
  ///   - patience: how long the launcher may take for an answer.
  package init(
    limits: ProcessLimits = .container, images: String? = nil, docker: String? = nil, door: String? = nil,
    home: String? = nil, patience: Duration = .seconds(60)
  ) throws {
    place = try TemporaryFolder()
    _ = unsafe chmod(place.path, 0o755)
    loop = try EventLoop()
    launcher = LauncherLink(loop, socket: nil, program: Beside.path("openstarry-launcher"), patience: patience)
    _ = unsafe mkdir("\(place.path)/data", 0o777)
    _ = unsafe chmod("\(place.path)/data", 0o777)
    proxy = ProxyLink(loop, socket: nil, program: Beside.path("openstarry-proxy"))
    self.door = door ?? "\(place.path)/door"
    if door == nil {
      _ = unsafe mkdir(self.door, 0o700)
      if geteuid() == 0 { _ = unsafe chown(self.door, Self.agentsUser, Self.agentsUser) }
    }
    let folder = place.path
    let engine = docker.map { [launcher, door = self.door] in
      DockerEngine(socket: $0, folder: door, home: "\(folder)/home", launcher)
    }
    driver = ContainerDriver(
      loop, home: home ?? "\(folder)/home", plugins: PluginStore(folder: "\(home ?? folder)/plugins"),
      launcher: launcher, proxy: proxy, images: images ?? Self.images, docker: engine, data: "\(folder)/data",
      limits: limits)
  }

  /// The user whom a launcher of root becomes.
  package static let agentsUser: UInt32 = unsafe getpwnam("openstarry-agents")?.pointee.pw_uid ?? 65534

  deinit {
    launcher.close()
    proxy.close()
  }

  /// Why containers cannot be run on this machine; nil when they can.
  package static let absence: String? = {
    do throws(AgentFailure) { _ = try ContainerEngine.find(images: "/") } catch { return error.message }
    guard Files.isFile("/usr/bin/busybox") || Files.isFile("/bin/busybox") else {
      return "busybox is not installed: make setup installs it"
    }
    if case .failure(let complaint) = made { return "no image can be made here: \(complaint.text)" }
    guard let room = try? ContainerRoom() else { return "no event loop" }
    guard let output = try? room.output("exit 7") else { return "no launcher" }
    return output.code == 7 ? nil : "podman cannot run containers here: \(output.text)"
  }()

  /// Tells the daemon that the agent is ready.
  package static let ready = #"printf '{"method":"ready","params":{"abi":1}}\n' >&3"#

  /// The folder with the image, made once by the program that the package installs for this.
  private static let made: Result<TemporaryFolder, Complaint> = {
    let script = """
      exec 2>&1; set -e
      cd "$1"; chmod 755 .; mkdir -p image/bin image/srv image/usr image/volume
      ln -s usr/lib image/lib; ln -s usr/lib64 image/lib64
      cp "$(readlink -f "$(command -v busybox)")" image/bin/busybox
      for name in sh sleep cat ls id echo wc env mount grep touch tr dd ps kill setsid head find unshare wget; do
        ln -s busybox image/bin/$name
      done
      tar -C image -cf image.tar --owner=0 --group=0 .
      OPENSTARRY_IMAGES=$1/images "$2" import --change "VOLUME /volume" - \(image) < image.tar
      """
    do {
      let folder = try TemporaryFolder()
      var plan = SpawnPlan("/bin/sh", ["sh", "-c", script, "sh", folder.path, Repository.path("systemd/images")])
      let output = try System.open("\(folder.path)/output", O_WRONLY | O_CREAT, mode: 0o600)
      plan.output = .descriptor(output.number)
      if try Spawn.wait(for: Spawn.start(plan)) == 0 {
        atexit { ContainerRoom.removeImages() }
        return .success(folder)
      }
      return .failure(Complaint(text: String(decoding: try folder.bytes("output"), as: UTF8.self)))
    } catch {
      return .failure(Complaint(text: "\(error)"))
    }
  }()

  /// Folders of images are read-only, also for their owner.
  private static func removeImages() {
    guard case .success(let folder) = made else { return }
    _ = try? Spawn.wait(for: Spawn.start("/bin/chmod", ["chmod", "-R", "u+rwX", folder.path]))
    TemporaryFolder.remove(folder.path)
  }

  /// The archive of the root folder of `image`; nil when none can be made.
  package static var archive: String? { (try? made.get()).map { "\($0.path)/image.tar" } }

  /// The folder with `image`; nil when none can be made.
  package static var images: String? { (try? made.get()).map { "\($0.path)/images" } }

  private struct Complaint: Error { let text: String }

  /// The manifest of an agent that is a shell script in the image.
  package func manifest(_ script: String) -> Manifest {
    Manifest(
      id: "subject", name: "subject",
      runtime: .init(driver: .docker, entry: Self.image, arguments: ["/bin/sh", "-c", script]), permissions: .all,
      file: "\(folder)/agent.json")
  }

  /// Runs a script in a container to its end.
  /// - Parameters:
  ///   - runtime: the OCI runtime; nil for the usual one.
  ///   - change: adapts the manifest.
  /// - Returns: its exit code, nil when it was not started, and what it wrote.
  package func output(
    _ script: String, runtime: String? = nil, _ change: (inout Manifest) -> Void = { _ in }
  ) throws -> (code: Int32?, text: String) {
    var manifest = manifest(script)
    change(&manifest)
    var engine = try ContainerEngine.find(images: Self.images)
    if let runtime { engine.runtime = runtime }
    let container = Container(
      manifest, image: Self.image, plugins: try plugins.plugins(of: manifest), hidden: ["\(folder)/home"],
      engine: engine)
    return try launcher.output(of: { container.confinement.plan($0, name: manifest.id, LaunchLimits()) })
  }

  /// Writes a file in the room's folder that everybody may read.
  package func write(_ name: String, _ text: String) throws {
    try place.write(name, text)
    _ = unsafe chmod("\(folder)/\(name)", 0o644)
    _ = unsafe chmod(Files.folder(of: "\(folder)/\(name)"), 0o755)
  }

  /// Runs the loop until `isDone` is true, or a generous timeout.
  package func run(until isDone: () -> Bool) { loop.run(until: isDone) }

  /// Runs the loop until nothing is left to do.
  package func settle() { loop.settle() }
}
