// SPDX-License-Identifier: Apache-2.0
// The concept itself: the archetype has what it asks for, and each member is asked for.
#include "support/archetype_backend.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/recording_backend.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

// A declaration in a derived class hides the archetype's member of that name.
struct NoInfo : ArchetypeBackend {
  void info() = delete;
};
struct NoDevices : ArchetypeBackend {
  static void devices() = delete;
};
struct NoAllocate : ArchetypeBackend {
  void allocate() = delete;
};
struct NoStream : ArchetypeBackend {
  void make_stream() = delete;
};
struct NoEvent : ArchetypeBackend {
  void make_event() = delete;
};
struct NoUpload : ArchetypeBackend {
  void upload() = delete;
};
struct NoDownload : ArchetypeBackend {
  void download() = delete;
};
struct NoCopy : ArchetypeBackend {
  void copy() = delete;
};
struct NoFill : ArchetypeBackend {
  void fill() = delete;
};
struct NoLaunch : ArchetypeBackend {
  void launch() = delete;
};
struct NoRecord : ArchetypeBackend {
  void record() = delete;
};
struct NoWait : ArchetypeBackend {
  void wait() = delete;
};
struct NoElapsed : ArchetypeBackend {
  void elapsed_us() = delete;
};
struct NoSynchronize : ArchetypeBackend {
  void synchronize() = delete;
};
struct OnlyStreamSynchronize : ArchetypeBackend {
  void synchronize(Stream& stream);
};
struct NoCapture : ArchetypeBackend {
  void capture() = delete;
};
struct NoReplay : ArchetypeBackend {
  void replay() = delete;
};
struct FixedStream : ArchetypeBackend {
  struct Stream {
    Stream(const Stream&) = delete;
    [[nodiscard]] bool is_capturing() const;
  };
};
struct FixedGraph : ArchetypeBackend {
  struct Graph {
    Graph(const Graph&) = delete;
  };
};

}  // namespace

TEST_CASE("the archetype is a backend and so are those under test", "[backend]") {
  STATIC_REQUIRE(Backend<ArchetypeBackend>);
  STATIC_REQUIRE(Backend<CpuBackend>);
  STATIC_REQUIRE(Backend<RecordingBackend<ArchetypeBackend>>);
}

TEST_CASE("a type that lacks one member of the trait is no backend", "[backend]") {
  STATIC_REQUIRE_FALSE(Backend<int>);
  STATIC_REQUIRE_FALSE(Backend<NoInfo>);
  STATIC_REQUIRE_FALSE(Backend<NoDevices>);
  STATIC_REQUIRE_FALSE(Backend<NoAllocate>);
  STATIC_REQUIRE_FALSE(Backend<NoStream>);
  STATIC_REQUIRE_FALSE(Backend<NoEvent>);
  STATIC_REQUIRE_FALSE(Backend<NoUpload>);
  STATIC_REQUIRE_FALSE(Backend<NoDownload>);
  STATIC_REQUIRE_FALSE(Backend<NoCopy>);
  STATIC_REQUIRE_FALSE(Backend<NoFill>);
  STATIC_REQUIRE_FALSE(Backend<NoLaunch>);
  STATIC_REQUIRE_FALSE(Backend<NoRecord>);
  STATIC_REQUIRE_FALSE(Backend<NoWait>);
  STATIC_REQUIRE_FALSE(Backend<NoElapsed>);
  STATIC_REQUIRE_FALSE(Backend<NoSynchronize>);
  STATIC_REQUIRE_FALSE(Backend<OnlyStreamSynchronize>);
  STATIC_REQUIRE_FALSE(Backend<NoCapture>);
  STATIC_REQUIRE_FALSE(Backend<NoReplay>);
  STATIC_REQUIRE_FALSE(Backend<FixedStream>);
  STATIC_REQUIRE_FALSE(Backend<FixedGraph>);
}
