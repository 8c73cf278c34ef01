import CLinux
import CV4L2
import Glibc
import HAL
import Linux

/// Where a camera is: looked at without streaming from it.
struct CameraNode: Sendable {
  /// The device node, or a link to it, as the board file has it.
  let path: String
  let tree: KernelTree

  /// What to open.
  var file: String { tree.root + path }

  /// Looks whether a camera is there that can stream. Blocks as long as the kernel's driver takes to be opened.
  /// - Throws: what is missing or wrong, and what there is.
  func check() throws(HALError.Fault) {
    let node: Descriptor
    do throws(SystemError) { node = try System.open(file, O_RDWR | O_NONBLOCK) } catch {
      switch error.errno {
      case ENOENT, ENOTDIR: throw .absent("there is no \(path): \(others)")
      // The node is there and its driver is not.
      case ENODEV, ENXIO: throw .absent("nothing is behind \(path): \(others)")
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
      throw .protocolViolation("\(path) is a video device that gives no pictures: \(others)")
    }
  }

  /// It was there.
  var gone: HALError.Fault { .absent("\(path) has gone") }

  /// The video devices that there are, for people.
  private var others: String {
    let folder = "/sys/class/video4linux"
    let nodes = tree.names(in: folder, prefix: "video").map { node in
      "/dev/\(node) (\((try? tree.text("\(folder)/\(node)/name")) ?? "-"))"
    }
    return nodes.isEmpty ? "there is no video device at all" : "there are \(nodes.joined(separator: ", "))"
  }
}
