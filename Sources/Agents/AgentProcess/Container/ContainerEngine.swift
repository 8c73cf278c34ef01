import Agent
import Linux

/// The programs that run containers on this machine, and the folder of the images.
package struct ContainerEngine: Sendable {
  /// The OCI runtime's path.
  package var runtime: String
  /// The folder of control groups of version 2; nil when there is none.
  package var groups: String?
  /// The folder of the images.
  package var images: String

  /// Known programs.
  /// - Parameters:
  ///   - runtime: the OCI runtime's path.
  ///   - groups: the folder of control groups of version 2; nil when there is none.
  ///   - images: the folder of the images.
  package init(runtime: String, groups: String?, images: String) {
    self.runtime = runtime
    self.groups = groups
    self.images = images
  }

  static let podman = "/usr/bin/podman"
  /// The variable with the folder of the images.
  package static let variable = "OPENSTARRY_IMAGES"
  /// The folder of the images without that variable. It belongs to the launcher's user.
  package static let usualImages = "/var/lib/openstarry-images"

  /// What this machine has.
  /// - Parameter images: the folder of the images; nil for the usual one.
  /// - Throws: what is missing, and how to supply it.
  package static func find(images: String? = nil) throws(AgentFailure) -> ContainerEngine {
    func file(_ paths: [String]) -> String? { paths.first { Files.isFile($0) } }
    guard file([podman]) != nil else { throw missing("podman is", "podman crun") }
    guard file(["/usr/bin/conmon", "/usr/libexec/podman/conmon"]) != nil else { throw missing("conmon is", "conmon") }
    guard let runtime = file(["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc"]) else {
      throw missing("neither crun nor runc is", "crun")
    }
    guard file([Sandbox.bubblewrap]) != nil else { throw missing("bubblewrap is", "bubblewrap") }
    let folder = Files.join(Files.resolveExisting("."), images ?? Environment.current()[variable] ?? usualImages)
    guard Files.isFolder(folder) else {
      throw AgentFailure(
        .startFailed, "there are no images: openstarry-images load < IMAGE.tar makes \(folder) and puts one there")
    }
    return ContainerEngine(runtime: runtime, groups: groups(), images: folder)
  }

  private static func missing(_ what: String, _ package: String) -> AgentFailure {
    AgentFailure(
      .startFailed, "\(what) not installed, which agents with the driver 'docker' need: apt install \(package)")
  }

  /// crun refuses hosts with both versions of control groups; the sandbox shows it only this one.
  private static func groups() -> String? {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { Files.isFile("\($0)/cgroup.controllers") }
  }

  /// The folder of podman's image store.
  var store: String { "\(images)/store" }

  var isCrun: Bool { runtime.hasSuffix("/crun") }
}
