import Glibc
import Linux
import TestKit

/// A real Docker engine with the image of `ContainerRoom`, one for all tests of this process.
package enum DockerRoom {
  /// Why there is none on this machine; nil when there is.
  package static let absence: String? = {
    switch made {
    case .success: nil
    case .failure(let complaint): complaint.text
    }
  }()

  /// The engine's socket.
  package static var socket: String { (try? made.get()).map { "\($0.path)/docker.sock" } ?? "" }

  private struct Complaint: Error { let text: String }

  private static let made: Result<TemporaryFolder, Complaint> = {
    guard geteuid() == 0 else { return .failure(Complaint(text: "a Docker engine needs root")) }
    guard let archive = ContainerRoom.archive else { return .failure(Complaint(text: "no image can be made here")) }
    // The image of `ContainerRoom` declares a volume; `1` does not, and `volume` does.
    let script = """
      exec 2>&1; set -e; cd "$1"
      ./docker-engine "$3" "$4" || { tail -n 1 "$3/log"; exit 1; }
      ./docker-image "$3/docker.sock" "$2" localhost/openstarry-test:1
      ./docker-image "$3/docker.sock" "$2" localhost/openstarry-test:volume "VOLUME /volume"
      """
    do {
      let folder = try TemporaryFolder()
      _ = unsafe chmod(folder.path, 0o755)
      var plan = SpawnPlan(
        "/bin/sh",
        ["sh", "-c", script, "sh", Repository.path(".ci"), archive, folder.path, "\(getpid())"])
      let output = try System.open("\(folder.path)/output", O_WRONLY | O_CREAT, mode: 0o600)
      plan.output = .descriptor(output.number)
      guard try Spawn.wait(for: Spawn.start(plan)) == 0 else {
        return .failure(
          Complaint(
            text: "no Docker engine starts here: \(String(decoding: try folder.bytes("output"), as: UTF8.self))"))
      }
      atexit { DockerRoom.end() }
      return .success(folder)
    } catch {
      return .failure(Complaint(text: "\(error)"))
    }
  }()

  private static func end() {
    guard case .success(let folder) = made, let text = try? folder.bytes("pid"),
      let process = Int32(String(decoding: text, as: UTF8.self))
    else { return }
    kill(process, SIGTERM)
    for _ in 0..<200 where kill(process, 0) == 0 { usleep(50_000) }
    TemporaryFolder.remove(folder.path)
  }
}
