# Builds the sensors' programs for the kernel (src/edge/sense/bpf) and the header that carries them into the agent. Needs
# clang and bpftool; neither the kernel that builds nor its headers matter: places of fields are found at load (ADR 0032).
find_program(MIEN_BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(MIEN_BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
set(bpf_home ${CMAKE_SOURCE_DIR}/src/edge/sense/bpf)
set(bpf_object ${CMAKE_BINARY_DIR}/generated/sense.bpf.o)
set(bpf_header ${CMAKE_BINARY_DIR}/generated/sense_bpf.skel.h)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(bpf_arch arm64)
else()
  set(bpf_arch x86)
endif()
add_custom_command(OUTPUT ${bpf_header}
  COMMAND ${MIEN_BPF_CLANG} -target bpf -mcpu=v3 -D__TARGET_ARCH_${bpf_arch} -O2 -g -Wall -Werror
          -fdebug-prefix-map=${CMAKE_SOURCE_DIR}=. -c ${bpf_home}/sense.bpf.c -o ${bpf_object}
  COMMAND ${MIEN_BPFTOOL} gen skeleton ${bpf_object} name sense_bpf > ${bpf_header}
  DEPENDS ${bpf_home}/sense.bpf.c ${bpf_home}/kernel_types.h ${bpf_home}/event.h
  COMMENT "Building the sensors in the kernel" VERBATIM)
add_custom_target(mien_bpf DEPENDS ${bpf_header})
add_dependencies(mien_edge mien_bpf)
target_include_directories(mien_edge SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
