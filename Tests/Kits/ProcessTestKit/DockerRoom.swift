import Glibc
import Linux
import TestKit

/// A real Docker engine with the image of `ContainerRoom`.
package final class DockerRoom: Sendable {
  private let place: TemporaryFolder
  /// The engine's socket.
  package var socket: String { "\(place.path)/docker.sock" }

  private struct Complaint: Error { let text: String }

  /// Starts an engine and gives it images.
  package init() throws {
    guard geteuid() == 0 else { throw Complaint(text: "a Docker engine needs root") }
    guard let archive = ContainerRoom.archive else { throw Complaint(text: "no image can be made here") }
    place = try TemporaryFolder()
    _ = unsafe chmod(place.path, 0o755)
    try start()
    // The image of `ContainerRoom` declares a volume; `1` does not, and `volume` does. In `narrow` only root may write to
    // /tmp.
    try run(
      """
      cd "$1"
      ./docker-image "$2/docker.sock" "$3" localhost/openstarry-test:1
      ./docker-image "$2/docker.sock" "$3" localhost/openstarry-test:volume "VOLUME /volume"
      mkdir -m 755 "$2/more" "$2/more/tmp"; cp "$3" "$2/narrow.tar"
      tar -C "$2/more" -rf "$2/narrow.tar" --owner=0 --group=0 ./tmp
      ./docker-image "$2/docker.sock" "$2/narrow.tar" localhost/openstarry-test:narrow
      """, archive)
  }

  deinit { stop() }

  /// Starts the engine, with what it had before.
  package func start() throws {
    try run(#"cd "$1"; ./docker-engine "$2" "$3" || { tail -n 1 "$2/log"; exit 1; }"#, "\(getpid())")
  }

  /// Ends the engine, and with it all containers.
  package func stop() {
    guard let process else { return }
    kill(process, SIGCONT)
    kill(process, SIGTERM)
    for _ in 0..<400 where kill(process, 0) == 0 { usleep(50_000) }
  }

  /// Stops the engine's process as it is: its socket takes connections, and nobody answers.
  package func hang() { if let process { kill(process, SIGSTOP) } }

  /// Ends `hang`.
  package func goOn() { if let process { kill(process, SIGCONT) } }

  private var process: Int32? { (try? place.bytes("pid")).flatMap { Int32(String(decoding: $0, as: UTF8.self)) } }

  private func run(_ script: String, _ argument: String) throws {
    var plan = SpawnPlan(
      "/bin/sh", ["sh", "-c", "exec 2>&1; set -e; \(script)", "sh", Repository.path(".ci"), place.path, argument])
    let output = try System.open("\(place.path)/output", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    plan.output = .descriptor(output.number)
    guard try Spawn.wait(for: Spawn.start(plan)) == 0 else {
      throw Complaint(
        text: "no Docker engine starts here: \(String(decoding: try place.bytes("output"), as: UTF8.self))")
    }
  }

  // MARK: One for all tests

  /// Why there is none on this machine; nil when there is.
  package static let absence: String? = {
    switch shared {
    case .success: nil
    case .failure(let complaint): complaint.text
    }
  }()

  /// The socket of the engine that all tests of this process share, and leave in order.
  package static var socket: String { (try? shared.get())?.socket ?? "" }

  private static let shared: Result<DockerRoom, Complaint> = {
    do {
      let room = try DockerRoom()
      atexit { DockerRoom.end() }
      return .success(room)
    } catch {
      return .failure(error as? Complaint ?? Complaint(text: "\(error)"))
    }
  }()

  private static func end() {
    guard let room = try? shared.get() else { return }
    room.stop()
    TemporaryFolder.remove(room.place.path)
  }
}
