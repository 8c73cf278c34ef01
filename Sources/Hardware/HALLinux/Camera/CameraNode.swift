import CLinux
import CV4L2
import Glibc
import HAL
import Linux

/// The device node of a camera.
struct CameraNode: Sendable {
  /// The device node, or a link to it, from the board file.
  let path: String
  let tree: KernelTree

  /// The path to open, below a test's root.
  var file: String { tree.root + path }

  /// Checks that the node is a camera that can stream. Blocks while the kernel driver opens.
  /// - Throws: a fault that says what is wrong, and which video devices there are.
  func check() throws(HALError.Fault) {
    let node: Descriptor
    do throws(SystemError) { node = try System.open(file, O_RDWR | O_NONBLOCK) } catch {
      switch error.errno {
      case ENOENT, ENOTDIR: throw .absent("there is no \(path): \(others)")
      // The node exists, but no driver is behind it.
      case ENODEV, ENXIO: throw .absent("no device is behind \(path): \(others)")
      case EACCES, EPERM: throw .system(error.errno, "no permission to open \(path): join the group video")
      default: throw HALError.Fault(errno: error.errno)
      }
    }
    var capabilities: UInt32 = 0
    // SAFETY: the kernel's answer is copied into the local.
    guard unsafe openstarry_v4l2_capabilities(node.number, &capabilities) >= 0 else {
      if errno == ENODEV { throw gone }
      throw .protocolViolation("\(path) is no video device: \(others)")
    }
    let needed = UInt32(V4L2_CAP_VIDEO_CAPTURE) | UInt32(V4L2_CAP_STREAMING)
    guard capabilities & needed == needed else {
      throw .protocolViolation("\(path) is a video device that cannot stream pictures: \(others)")
    }
  }

  /// The fault of a camera that was present.
  var gone: HALError.Fault { .absent("\(path) has gone") }

  /// The video devices of the machine, for messages.
  private var others: String {
    let folder = "/sys/class/video4linux"
    let nodes = tree.names(in: folder, prefix: "video").map { node in
      "/dev/\(node) (\((try? tree.text("\(folder)/\(node)/name")) ?? "-"))"
    }
    return nodes.isEmpty ? "there is no video device at all" : "there are \(nodes.joined(separator: ", "))"
  }
}
