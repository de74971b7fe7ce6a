# SPDX-License-Identifier: Apache-2.0
# The choice of backends. Backend NAME lives in backends/NAME, whose CMakeLists.txt defines the
# library switchyard_NAME; its classes are in switchyard/backends/NAME.hpp. To add one, add the folder.
set(SWITCHYARD_KNOWN_BACKENDS cpu simt cuda hip vulkan)
set(SWITCHYARD_BACKEND_CLASSES_cpu CpuBackend)
set(SWITCHYARD_BACKEND_CLASSES_simt Simt32Backend Simt64Backend Simt8Backend)
# Parts of a backend with several classes: tests can name them alone.
set(SWITCHYARD_BACKEND_PARTS_simt simt8 simt32 simt64)
set(SWITCHYARD_BACKEND_CLASSES_simt8 Simt8Backend)
set(SWITCHYARD_BACKEND_CLASSES_simt32 Simt32Backend)
set(SWITCHYARD_BACKEND_CLASSES_simt64 Simt64Backend)
set(SWITCHYARD_BACKEND_CLASSES_cuda CudaBackend)
set(SWITCHYARD_BACKEND_CLASSES_hip HipBackend)
set(SWITCHYARD_BACKEND_CLASSES_vulkan VulkanBackend)

# Sets SWITCHYARD_BUILT_BACKENDS in the caller, or stops with the reason.
function(switchyard_choose_backends)
  set(built cpu ${SWITCHYARD_BACKENDS})
  list(REMOVE_DUPLICATES built)
  list(JOIN SWITCHYARD_KNOWN_BACKENDS ", " known)
  foreach(backend IN LISTS built)
    if(NOT backend IN_LIST SWITCHYARD_KNOWN_BACKENDS)
      message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"${backend}\", must be some of: ${known}")
    endif()
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/backends/${backend}/CMakeLists.txt")
      message(FATAL_ERROR "SWITCHYARD_BACKENDS names \"${backend}\", which is not in this version")
    endif()
  endforeach()
  list(JOIN built ", " built_text)
  if(NOT SWITCHYARD_DEFAULT_BACKEND IN_LIST built)
    message(FATAL_ERROR "SWITCHYARD_DEFAULT_BACKEND is \"${SWITCHYARD_DEFAULT_BACKEND}\", "
                        "must be one of the backends being built: ${built_text}"
    )
  endif()
  message(STATUS "switchyard backends: ${built_text} (default: ${SWITCHYARD_DEFAULT_BACKEND})")
  set(SWITCHYARD_BUILT_BACKENDS "${built}" PARENT_SCOPE)
endfunction()

# Sets `result` in the caller: the backend that `name`, a backend or a part of one, belongs to.
function(switchyard_backend_of name result)
  foreach(backend IN LISTS SWITCHYARD_KNOWN_BACKENDS)
    if(name IN_LIST SWITCHYARD_BACKEND_PARTS_${backend})
      set(name ${backend})
    endif()
  endforeach()
  set(${result} ${name} PARENT_SCOPE)
endfunction()

# Sets `includes` and `classes` in the caller: the headers and classes of the backends, or parts of
# backends, in a list.
function(switchyard_describe_backends names)
  set(includes "")
  set(classes "")
  foreach(name IN LISTS names)
    switchyard_backend_of(${name} backend)
    string(APPEND includes "#include \"switchyard/backends/${backend}.hpp\"\n")
    list(APPEND classes ${SWITCHYARD_BACKEND_CLASSES_${name}})
  endforeach()
  list(JOIN classes ", " classes)
  set(includes "${includes}" PARENT_SCOPE)
  set(classes "${classes}" PARENT_SCOPE)
endfunction()

# Writes switchyard/{default_backend,built_backends,version}.hpp into the build tree.
function(switchyard_generate_headers)
  switchyard_describe_backends("${SWITCHYARD_BUILT_BACKENDS}")
  list(GET SWITCHYARD_BACKEND_CLASSES_${SWITCHYARD_DEFAULT_BACKEND} 0 default_class)
  foreach(header IN ITEMS default_backend built_backends version)
    configure_file(
      ${PROJECT_SOURCE_DIR}/cmake/${header}.hpp.in
      ${PROJECT_BINARY_DIR}/include/switchyard/${header}.hpp @ONLY
    )
  endforeach()
endfunction()
